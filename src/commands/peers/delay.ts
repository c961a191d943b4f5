import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { PeersAnswer } from "../../core/client/index.ts";
import { renderPeers } from "../../ui/peers.ts";
import { terminalWidth } from "../../ui/table.ts";

export default class PeersDelay extends BaseCommand {
  static override summary = "Have each message to a peer, or to all, come later";
  static override examples = ["<%= config.bin %> <%= command.id %> 200ms", "<%= config.bin %> <%= command.id %> 1.5s core2"];
  static override args = {
    time: Args.string({ description: "200ms or 1.5s", required: true }),
    peer: Args.string({ description: "URL or node id [default: all peers]" }),
  };

  async run(): Promise<PeersAnswer> {
    const { args, flags } = await this.parse(PeersDelay);
    const { parseDelay } = await import("../../ui/faults.ts");
    const request = { delayMs: parseDelay(args.time), peer: args.peer };
    const answer = await (await this.connect(flags)).post<PeersAnswer>("/v1/peers/delay", request);
    this.log(renderPeers(answer, terminalWidth()));
    return answer;
  }
}
