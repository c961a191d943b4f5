import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class PeersRemove extends BaseCommand {
  static override summary = "End the link with a peer, and forget it";
  static override examples = ["<%= config.bin %> <%= command.id %> http://127.0.0.1:8001"];
  static override args = {
    peer: Args.string({ description: "http://HOST:PORT", required: true }),
  };

  async run(): Promise<{ removed: boolean }> {
    const { args, flags } = await this.parse(PeersRemove);
    const answer = await (await this.connect(flags)).post<{ removed: boolean }>("/v1/peers/remove", { peer: args.peer });
    if (!answer.removed) this.error(`${args.peer} is no peer of this node; "chaincore peers" lists them`, { exit: 1 });
    this.log(`removed ${args.peer}`);
    return answer;
  }
}
