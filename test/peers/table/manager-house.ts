import { peerChain } from "../../../src/core/node/peer-chain.ts";
import { PeerManager, type PeerManagerOptions } from "../../../src/core/peers/table/peer-manager.ts";
import type { PeersStore, SavedPeers } from "../../../src/core/peers/table/peers-file.ts";
import { ChainBench } from "../../chain/harness.ts";
import { QUICK } from "../../chain/random-tree.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { OpenPool } from "../sync/sync-node.ts";

export interface HouseOptions extends PeerManagerOptions {
  /** Sixteen bytes, by the first of which instances are ordered. */
  readonly instance?: string;
  readonly port?: number;
  readonly saved?: SavedPeers;
  readonly isStarted?: boolean;
}

/** A node as far as its peers go: manager, transport and sync over real sockets, a real chain at its genesis, an open pool. */
export class ManagerHouse {
  readonly manager: PeerManager;
  readonly bench: ChainBench;
  readonly log: QuietLog;
  /** What it told, in order. */
  readonly told: string[];
  /** As it was saved last. */
  readonly store: PeersStore & { saved: SavedPeers };
  readonly url: string;
  #isOpen = true;

  static async open(name: string, { port = 0, instance = name, isStarted = true, ...more }: HouseOptions = {}) {
    const { saved = { peers: [], bans: [] }, ...options } = more;
    const bench = await ChainBench.open({ params: QUICK }, {});
    const log = new QuietLog();
    const told: string[] = [];
    const store = {
      saved,
      load: async () => store.saved,
      save: async (next: SavedPeers) => {
        store.saved = next;
      },
    };
    let isFirst = true;
    const bytes = (count: number) => {
      const isInstance = isFirst;
      isFirst = false;
      return isInstance ? Buffer.from(instance.padEnd(count, ".")) : crypto.getRandomValues(new Uint8Array(count));
    };
    const manager = await PeerManager.open(options, {
      chain: peerChain(bench.chain, bench.locks),
      pool: new OpenPool(),
      params: QUICK,
      locks: bench.locks,
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      entropy: { bytes },
      log,
      nodeId: name,
      agent: "test",
      store,
      told: (url, state) => void told.push(`${state} ${url}`),
    });
    const got = await manager.listen("127.0.0.1", port);
    if (isStarted) manager.start();
    return new ManagerHouse({ manager, bench, log, told, store, url: `http://127.0.0.1:${got}` });
  }

  private constructor(parts: Pick<ManagerHouse, "manager" | "bench" | "log" | "told" | "store" | "url">) {
    this.manager = parts.manager;
    this.bench = parts.bench;
    this.log = parts.log;
    this.told = parts.told;
    this.store = parts.store;
    this.url = parts.url;
  }

  /** Node ids of those that it is linked with. */
  get linked(): readonly string[] {
    return this.manager.links.map(({ link }) => link.identity.nodeId).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.manager.close();
    await this.bench[Symbol.asyncDispose]();
  }
}
