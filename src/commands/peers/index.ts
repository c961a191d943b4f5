import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { PeersAnswer } from "../../core/client/index.ts";
import { renderPeers } from "../../ui/peers.ts";
import { terminalWidth } from "../../ui/table.ts";

export default class PeersList extends BaseCommand {
  static override summary = "Show the nodes that the running node is linked with";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --watch",
    '<%= config.bin %> <%= command.id %> --json | jq -r ".peers[].url"',
  ];
  static override flags = {
    watch: Flags.boolean({
      description: "again every second, until Ctrl-C; elsewhere than on a terminal a line of JSON each time",
    }),
  };

  async run(): Promise<PeersAnswer | undefined> {
    const { flags } = await this.parse(PeersList);
    const client = await this.connect(flags);
    const look = () => client.get<PeersAnswer>("/v1/peers");
    if (!flags.watch) {
      const answer = await look();
      this.log(renderPeers(answer, terminalWidth()));
      return answer;
    }
    const { watch } = await import("../../ui/watch.ts");
    await watch<PeersAnswer>({
      everyMs: 1_000,
      times: undefined,
      isJson: this.jsonEnabled(),
      look,
      draw: (answer, _before, { width }) => renderPeers(answer, width).split("\n"),
      print: (answer) => this.logJson(answer),
    });
    return undefined;
  }
}
