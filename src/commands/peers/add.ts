import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class PeersAdd extends BaseCommand {
  static override summary = "Link with a peer from now on, also after a restart";
  static override examples = [
    "<%= config.bin %> <%= command.id %> http://127.0.0.1:8001",
    "<%= config.bin %> <%= command.id %> 'https://192.0.2.7:8000#sha256=5b1d...64 hex digits'",
  ];
  static override args = {
    peer: Args.string({ description: "http://HOST:PORT or https://HOST:PORT#sha256=PIN", required: true }),
  };

  async run(): Promise<{ added: boolean }> {
    const { args, flags } = await this.parse(PeersAdd);
    const answer = await (await this.connect(flags)).post<{ added: boolean }>("/v1/peers/add", { peer: args.peer });
    this.log(
      answer.added
        ? `added ${args.peer}; "chaincore peers" shows when it is linked`
        : `${args.peer} was known; it is tried again now`,
    );
    return answer;
  }
}
