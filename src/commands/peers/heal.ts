import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { PeersAnswer } from "../../core/client/index.ts";
import { renderPeers } from "../../ui/peers.ts";
import { terminalWidth } from "../../ui/table.ts";

export default class PeersHeal extends BaseCommand {
  static override summary = "End the faults that partition, delay and drop have made";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> core2"];
  static override args = {
    peer: Args.string({ description: "URL or node id [default: all peers]" }),
  };

  async run(): Promise<PeersAnswer> {
    const { args, flags } = await this.parse(PeersHeal);
    const answer = await (await this.connect(flags)).post<PeersAnswer>("/v1/peers/heal", { peer: args.peer });
    this.log(renderPeers(answer, terminalWidth()));
    return answer;
  }
}
