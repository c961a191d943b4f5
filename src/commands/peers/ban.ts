import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class PeersBan extends BaseCommand {
  static override summary = "End the link with a peer, and keep it out for a while";
  static override examples = [
    "<%= config.bin %> <%= command.id %> http://127.0.0.1:8001",
    "<%= config.bin %> <%= command.id %> core2 --seconds 600",
    "<%= config.bin %> <%= command.id %> 192.0.2.0/24",
  ];
  static override args = {
    peer: Args.string({ description: "URL, node id, address or ADDRESS/BITS", required: true }),
  };
  static override flags = {
    seconds: Flags.integer({ description: "how long [default: a day]", min: 1 }),
    reason: Flags.string({ description: "why, for whoever asks", default: "by hand" }),
  };

  async run(): Promise<{ banned: string }> {
    const { args, flags } = await this.parse(PeersBan);
    const { seconds, reason } = flags;
    const answer = await (await this.connect(flags)).post<{ banned: string }>("/v1/peers/ban", {
      peer: args.peer,
      seconds,
      reason,
    });
    this.log(`banned ${args.peer}; "chaincore peers unban" lets it in again`);
    return answer;
  }
}
