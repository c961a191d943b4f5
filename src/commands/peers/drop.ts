import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { PeersAnswer } from "../../core/client/index.ts";
import { renderPeers } from "../../ui/peers.ts";
import { terminalWidth } from "../../ui/table.ts";

export default class PeersDrop extends BaseCommand {
  static override summary = "Have a share of the messages to a peer, or to all, lost and sent again";
  static override examples = ["<%= config.bin %> <%= command.id %> 5%", "<%= config.bin %> <%= command.id %> 0.2 core2"];
  static override args = {
    share: Args.string({ description: "5% or 0.05", required: true }),
    peer: Args.string({ description: "URL or node id [default: all peers]" }),
  };

  async run(): Promise<PeersAnswer> {
    const { args, flags } = await this.parse(PeersDrop);
    const { parseShare } = await import("../../ui/faults.ts");
    const request = { drop: parseShare(args.share), peer: args.peer };
    const answer = await (await this.connect(flags)).post<PeersAnswer>("/v1/peers/drop", request);
    this.log(renderPeers(answer, terminalWidth()));
    return answer;
  }
}
