import type { AcceptOptions } from "../chain/chain.ts";
import type { HoldsChain } from "../chain/guard.ts";
import type { BlockOutcome, TipMove } from "../chain/outcome.ts";
import type { Root } from "../locks/context.ts";
import { followChain } from "../mempool/follow-chain.ts";
import type { Block } from "../primitives/block.ts";
import { STANDARD_FLAGS } from "../script/flags.ts";
import { tellAdded, tellRemovals } from "./accept-transaction.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";

/*
 * The path of a block: checked, stored and connected under BLOCKCHAIN (chain/) -> durable -> visible -> the pool follows,
 * still under BLOCKCHAIN -> events are queued in order -> the lock is let go, miners and peers hear of it.
 */

/** Takes a block, and moves the tip if it is better. Durable when this resolves. */
export function acceptBlock(at: Root, node: NodeParts, block: Block, options: AcceptOptions = {}): Promise<BlockOutcome> {
  return node.chain.acceptBlock(at, block, options);
}

/** What has to agree with the tip, brought in line with it; chain/ calls this after each commit, BLOCKCHAIN still held. */
export function followTip(at: HoldsChain, node: NodeParts, move: TipMove): Promise<void> {
  return node.mempoolLock.withWrite(
    at,
    async (at) => {
      const { view, release } = heldView(node);
      try {
        const { mempool, verifier, clock } = node;
        const { connected, displaced } = move;
        const outcome = await followChain(
          at,
          mempool,
          { view, connected, displaced, nowSeconds: nowSeconds(clock) },
          (candidates) => verifier.verify(candidates.map(({ tx, spent }) => ({ tx, spent, flags: STANDARD_FLAGS }))),
        );
        tellMove(node, move);
        tellRemovals(node.events, outcome.removed);
        for (const entry of outcome.returned) {
          tellAdded(node.events, entry);
          void node.journal.append(entry.tx);
        }
      } finally {
        release();
      }
    },
    { site: "follow the tip" },
  );
}

/** The tip's coins for as long as the pool follows, which awaits scripts. */
function heldView({ chain }: NodeParts) {
  const snapshot = chain.coins.snapshot();
  const tip = chain.find(chain.tip.hash)!;
  const findCoin = (bytes: Uint8Array, offset: number) => snapshot.find(bytes, offset);
  return { view: { tip, findCoin }, release: () => snapshot[Symbol.dispose]() };
}

function tellMove({ events, chain }: NodeParts, { disconnected, connected, tip }: TipMove): void {
  for (const hash of disconnected) events.append({ event: "block-disconnected", hash, height: chain.find(hash)!.height });
  const first = tip.height - connected.length + 1;
  connected.forEach((block, index) => {
    events.append({
      event: "block-connected",
      hash: block.hash,
      height: first + index,
      transactions: block.transactions.length,
    });
  });
}
