import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import { untilInterrupted } from "../../ui/interrupt.ts";

export default class Node extends BaseCommand {
  static override summary = "Host a node in the foreground until Ctrl-C; prints ready with its URLs once it answers";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --node-id core1 --api-port 0 --json | head -1 | jq -r .api",
  ];
  static override flags = {
    "node-id": Flags.string({ description: "name in the session [default: the first of core0, core1, ... that does not run]" }),
    "api-port": Flags.integer({
      description: "port of the API; 0 takes any free one [default: 5000, or the next free one]",
      min: 0,
      max: 65_535,
      env: "CHAINCORE_API_PORT",
    }),
    network: Flags.string({ description: "network of a session that is new [default: regtest]" }),
    reindex: Flags.boolean({ description: "build the database again from the block files" }),
    verifiers: Flags.integer({ description: "threads that run scripts [default: one a core, at most 8]", min: 0, max: 64 }),
    "log-level": Flags.string({
      description: "of all areas (debug) or of one (locks=debug)",
      helpValue: "AREA=LEVEL",
      multiple: true,
      default: [],
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Node);
    const { currentSession, parseLogLevels, startNode } = await import("../../core/index.ts");
    const place = this.place(flags);
    await untilInterrupted(async (signal) => {
      const node = await startNode({
        home: place.home,
        session: await currentSession(place),
        nodeId: flags["node-id"] ?? place.node,
        apiPort: flags["api-port"],
        network: flags.network,
        reindex: flags.reindex,
        verifiers: flags.verifiers,
        log: parseLogLevels(flags["log-level"]),
        onProgress: (sentence) => this.logToStderr(sentence),
      });
      const { session, urls, socket, cookie, height, tip } = node.status();
      const ready = { node: node.id, session, api: urls.api, p2p: urls.p2p, socket, cookie, height, tip };
      this.emit(ready, `ready: node ${node.id} of session ${session} at height ${height}, api ${urls.api}, cookie ${cookie}`);
      signal.addEventListener("abort", () => void node.stop());
      if (signal.aborted) await node.stop();
      await node.stopped;
    });
  }
}
