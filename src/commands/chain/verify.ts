import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { VerifyAnswer } from "../../core/client/index.ts";

export default class ChainVerify extends BaseCommand {
  static override summary = "Hold the stored blocks against every rule again, scripts on all cores, and print the rate";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> --from 1000 --to 2000"];
  static override flags = {
    from: Flags.integer({ description: "first height [default: 1]", min: 1 }),
    to: Flags.integer({ description: "last height [default: the tip]", min: 0 }),
    threads: Flags.integer({ description: "threads that run scripts [default: one a core]", min: 0, max: 64 }),
  };

  async run(): Promise<VerifyAnswer> {
    const { flags } = await this.parse(ChainVerify);
    const { verifyChain } = await import("../../core/index.ts");
    const answer = await verifyChain(this.place(flags), { from: flags.from, to: flags.to, threads: flags.threads });
    const { from, to, blocks, transactions, inputs, seconds, inputsPerSecond, coins } = answer;
    this.log(`heights ${from} to ${to} hold: ${blocks} blocks, ${transactions} transactions, ${inputs} inputs`);
    this.log(`${Math.round(inputsPerSecond)} inputs/s over ${seconds.toFixed(2)} s`);
    if (coins !== null) this.log(`all ${coins} coins of the table are those that the blocks left`);
    return answer;
  }
}
