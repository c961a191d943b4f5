import type { Snapshots } from "../api/ports.ts";
import type { SnapshotView } from "../chain/durable-snapshots.ts";
import type { SnapshotAnswer } from "../client/answers.ts";
import type { NodeParts } from "./parts.ts";

/** The node's durable snapshots, as the admin socket offers them. The pool follows a restored tip as it follows a reorganisation. */
export function snapshotsOf({ chain, mempool }: NodeParts): Snapshots {
  const { snapshots } = chain;
  const parked = () => snapshots.parked() ?? null;
  return {
    list: () => ({ snapshots: snapshots.list().map(answerOf), parked: parked() }),
    save: async (at, name, height) => answerOf(await snapshots.save(at, name, height)),
    restore: async (at, name) => {
      const { snapshot, move } = await snapshots.restore(at, name);
      return {
        snapshot: answerOf(snapshot),
        height: chain.tip.height,
        tip: chain.tip.hash,
        disconnected: move?.disconnected.length ?? 0,
        connected: move?.connected.length ?? 0,
        parked: parked(),
        pooled: mempool.size,
      };
    },
    drop: async (at, name) => answerOf(await snapshots.drop(at, name)),
  };
}

function answerOf({ name, hash, height, savedAt, isActive, way }: SnapshotView): SnapshotAnswer {
  return { name, hash, height, savedAt, active: isActive, back: way?.back ?? null, forward: way?.forward ?? null };
}
