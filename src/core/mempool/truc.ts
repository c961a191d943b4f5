import type { Transaction } from "../primitives/transaction.ts";
import { ancestorsOf, type PoolEntry, withDescendants } from "./cluster.ts";

/*
 * Version 3 transactions ("topologically restricted until confirmation", BIP431): at most one unconfirmed parent and one
 * child, small ones, so that whoever pays for a child can always replace it.
 */

export const TRUC_VERSION = 3;
const VSIZE_MAX = 10_000;
const CHILD_VSIZE_MAX = 1_000;
/** Of a family, itself included. */
const GENERATIONS_MAX = 2;

/** What breaks the rules, and the sibling whose eviction would heal it where that may be tried. */
export interface TrucViolation {
  readonly detail: string;
  readonly sibling?: PoolEntry;
}

/** @param conflicts entries that would be replaced: a child among them does not count. */
export function checkTruc(
  tx: Transaction,
  vsize: number,
  parents: readonly PoolEntry[],
  conflicts: ReadonlySet<PoolEntry>,
): TrucViolation | undefined {
  const isTruc = tx.version === TRUC_VERSION;
  const stranger = parents.find((parent) => (parent.tx.version === TRUC_VERSION) !== isTruc);
  if (stranger !== undefined) {
    const [own, other] = isTruc ? ["version=3", "non-version=3"] : ["non-version=3", "version=3"];
    return { detail: `${own} tx ${ids(tx)} cannot spend from ${other} tx ${ids(stranger.tx)}` };
  }
  if (!isTruc) return undefined;
  if (vsize > VSIZE_MAX) return { detail: `version=3 tx ${ids(tx)} is too big: ${vsize} > ${VSIZE_MAX} virtual bytes` };
  if (ancestorsOf(parents).size + 1 > GENERATIONS_MAX) return { detail: `tx ${ids(tx)} would have too many ancestors` };
  const [parent] = parents;
  return parent === undefined ? undefined : checkTrucChild(tx, vsize, parent, conflicts);
}

function checkTrucChild(
  tx: Transaction,
  vsize: number,
  parent: PoolEntry,
  conflicts: ReadonlySet<PoolEntry>,
): TrucViolation | undefined {
  if (vsize > CHILD_VSIZE_MAX) {
    return { detail: `version=3 child tx ${ids(tx)} is too big: ${vsize} > ${CHILD_VSIZE_MAX} virtual bytes` };
  }
  const family = withDescendants([parent]).size;
  if (family + 1 <= GENERATIONS_MAX || parent.children.some((child) => conflicts.has(child))) return undefined;
  const detail = `tx ${ids(parent.tx)} would exceed descendant count limit`;
  const [sibling] = parent.children;
  // More of them can only come of a reorganisation; whom to evict is then left open.
  const isLone = family === GENERATIONS_MAX && ancestorsOf(sibling!.parents).size + 1 === GENERATIONS_MAX;
  return isLone ? { detail, sibling: sibling! } : { detail };
}

function ids(tx: Transaction): string {
  return `${tx.txid} (wtxid=${tx.wtxid})`;
}
