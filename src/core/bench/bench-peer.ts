import { assert } from "../errors.ts";
import { peerChain } from "../node/peer-chain.ts";
import { tellPeers } from "../node/peers-door.ts";
import { RelayPool } from "../node/relay-pool.ts";
import { PeerManager } from "../peers/table/peer-manager.ts";
import { BenchNode, QUIET } from "./bench-node.ts";

/** A bench's node with a peer port on loopback, which knows nobody. `await using`. */
export class BenchPeer {
  readonly node: BenchNode;
  readonly peers: PeerManager;
  readonly url: string;

  private constructor(node: BenchNode, peers: PeerManager, url: string) {
    this.node = node;
    this.peers = peers;
    this.url = url;
  }

  static async open(nodeId: string): Promise<BenchPeer> {
    const node = await BenchNode.open();
    const { parts } = node;
    const { chain, locks, params, clock, entropy } = parts;
    const peers = await PeerManager.open(
      {},
      {
        ...{ chain: peerChain(chain, locks), pool: new RelayPool(parts), params, locks, clock, entropy, log: QUIET, nodeId },
        agent: "chaincore bench",
        store: { load: async () => ({ peers: [], bans: [] }), save: async () => undefined },
      },
    );
    const port = await peers.listen("127.0.0.1", 0);
    tellPeers(parts, peers);
    return new BenchPeer(node, peers, `http://127.0.0.1:${port}`);
  }

  get height(): number {
    return this.node.parts.chain.tip.height;
  }

  /** Resolves as soon as `holds`, which is looked at after each of the node's events. */
  async until(holds: () => boolean, watchdogMs = 120_000): Promise<void> {
    const { events } = this.node.parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (holds()) resolve();
      return !holds();
    };
    if (!look()) return;
    const leave = events.follow(events.sequence, look);
    const watchdog = setTimeout(resolve, watchdogMs);
    await promise;
    clearTimeout(watchdog);
    leave();
    assert(holds(), "a peer of the bench waits for what does not come");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peers.close();
    await this.node[Symbol.asyncDispose]();
  }
}
