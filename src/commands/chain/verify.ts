import { BaseCommand } from "../../base.ts";
import type { VerifyAnswer } from "../../core/client/index.ts";

export default class ChainVerify extends BaseCommand {
  static override summary = "Replay the best chain from genesis in a scratch node and compare where it ends";
  static override examples = ["<%= config.bin %> <%= command.id %>"];

  async run(): Promise<VerifyAnswer> {
    const { flags } = await this.parse(ChainVerify);
    const { verifyChain } = await import("../../core/index.ts");
    const answer = await verifyChain(this.place(flags));
    this.log(
      `a replay of ${answer.height} blocks ends at the same tip with the same ${answer.coins} coins (muhash ${answer.muhash})`,
    );
    return answer;
  }
}
