import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class PeersUnban extends BaseCommand {
  static override summary = "Let a banned peer in again";
  static override examples = ["<%= config.bin %> <%= command.id %> http://127.0.0.1:8001"];
  static override args = {
    peer: Args.string({ description: "as chaincore peers names the ban", required: true }),
  };

  async run(): Promise<{ lifted: number }> {
    const { args, flags } = await this.parse(PeersUnban);
    const answer = await (await this.connect(flags)).post<{ lifted: number }>("/v1/peers/unban", { peer: args.peer });
    if (answer.lifted === 0)
      this.error(`nothing that is called ${args.peer} is banned; "chaincore peers" lists the bans`, { exit: 1 });
    this.log(`${args.peer} may come in again`);
    return answer;
  }
}
