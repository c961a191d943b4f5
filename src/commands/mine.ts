import { Flags } from "@oclif/core";
import { BaseCommand } from "../base.ts";
import { untilInterrupted } from "../ui/interrupt.ts";
import { MiningView } from "../ui/mining-view.ts";
import { idlePeerFlags, peerFlags, peerOptions } from "../ui/peer-flags.ts";

export default class Mine extends BaseCommand {
  static override summary = "Mine on the session's node, or on one of its own where none runs";
  static override description =
    "With --blocks it mines at the network's own difficulty and ends after so many; else it keeps a pace of one block a second where the difficulty is trivial.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> --threads 4",
    "<%= config.bin %> <%= command.id %> --blocks 101 --address bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    '<%= config.bin %> <%= command.id %> --block-time 10 --json | jq "select(.event == \\"block\\").height"',
  ];
  static override flags = {
    threads: Flags.integer({
      char: "t",
      min: 1,
      max: 256,
      description: "worker threads [default: one a core, at most 8]",
      env: "CHAINCORE_THREADS",
    }),
    blocks: Flags.integer({ min: 1, description: "end after so many blocks" }),
    address: Flags.string({ description: "who is paid [default: the node's account]" }),
    "block-time": Flags.string({
      description: "seconds from block to block on average; 0: as fast as the network lets",
      helpValue: "S",
    }),
    kernel: Flags.option({
      options: ["wasm-simd", "node-crypto", "native-avx512", "native-avx2", "native-sha-ni", "native-generic"] as const,
      description: "code that hashes [default: the fastest here]",
    })(),
    nice: Flags.integer({ min: 0, max: 19, description: "how far the workers give way to others" }),
    ...peerFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Mine);
    const [core, { parseSeconds }] = await Promise.all([import("../core/index.ts"), import("../ui/seconds.ts")]);
    const { threads, blocks, address, kernel, nice } = flags;
    const { home, node: nodeId } = this.place(flags);
    const session = await core.currentSession(this.place(flags));
    const blockTimeSeconds = flags["block-time"] === undefined ? undefined : parseSeconds(flags["block-time"]);
    await untilInterrupted(async (signal) => {
      const chosen = { threads, blocks, address, blockTimeSeconds, kernel, nice };
      const onProgress = (sentence: string) => this.logToStderr(sentence);
      const mining = await core.startMining({ home, session, nodeId, ...peerOptions(flags), ...chosen, onProgress });
      const urls = mining.node?.status().urls;
      const [what, where] = urls ? ["hosting", `, api ${urls.api}, peers ${urls.p2p}`] : ["mining for", ""];
      this.logToStderr(`${what} node ${mining.nodeId} of session ${session}${where}`);
      for (const sentence of urls ? [] : idlePeerFlags(this.argv)) this.logToStderr(sentence);
      using view = new MiningView(mining.run, { json: this.jsonEnabled() });
      signal.addEventListener("abort", () => void mining.run.stop());
      if (signal.aborted) await mining.run.stop();
      for await (const event of mining.run.events) view.show(event);
      await mining.run.finished.finally(() => mining.stop());
    });
  }
}
