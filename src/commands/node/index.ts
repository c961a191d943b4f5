import { BaseCommand } from "../../base.ts";
import { untilInterrupted } from "../../ui/interrupt.ts";
import { nodeFlags } from "../../ui/node-flags.ts";
import { peerOptions } from "../../ui/peer-flags.ts";

export default class Node extends BaseCommand {
  static override summary = "Host a node in the foreground until Ctrl-C; prints ready with its URLs once it answers";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --node-id core1 --api-port 0 --json | head -1 | jq -r .api",
  ];
  static override flags = nodeFlags;

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
        ...peerOptions(flags),
        network: flags.network,
        stratum: flags.stratum,
        reindex: flags.reindex,
        verifiers: flags.verifiers,
        log: parseLogLevels(flags["log-level"]),
        onProgress: (sentence) => this.logToStderr(sentence),
      });
      const { session, urls, socket, cookie, height, tip } = node.status();
      const ready = {
        node: node.id,
        session,
        api: urls.api,
        p2p: urls.p2p,
        socket,
        cookie,
        height,
        tip,
        stratum: node.stratum ?? null,
      };
      const stratum = node.stratum === undefined ? "" : `, stratum ${node.stratum}`;
      this.emit(
        ready,
        `ready: node ${node.id} of session ${session} at height ${height}, api ${urls.api}, peers ${urls.p2p}, cookie ${cookie}${stratum}`,
      );
      const end = () => void node.stop();
      signal.addEventListener("abort", end);
      if (flags.lifeline) process.stdin.resume().once("close", end);
      if (signal.aborted) await node.stop();
      await node.stopped;
    });
  }
}
