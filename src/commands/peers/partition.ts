import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { PeersAnswer } from "../../core/client/index.ts";
import { renderPeers } from "../../ui/peers.ts";
import { terminalWidth } from "../../ui/table.ts";

export default class PeersPartition extends BaseCommand {
  static override summary = "Cut the node off from a peer, or from all, until heal";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> core2"];
  static override args = {
    peer: Args.string({ description: "URL or node id [default: all peers]" }),
  };

  async run(): Promise<PeersAnswer> {
    const { args, flags } = await this.parse(PeersPartition);
    const answer = await (await this.connect(flags)).post<PeersAnswer>("/v1/peers/partition", { peer: args.peer });
    this.log(renderPeers(answer, terminalWidth()));
    return answer;
  }
}
