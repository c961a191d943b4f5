import { toDisplayHash } from "../encoding/hex.ts";
import { ancestorsOf, type PoolEntry, withDescendants } from "../mempool/cluster.ts";
import type { Mempool } from "../mempool/mempool.ts";
import type { Clock } from "../ports.ts";
import type { FeeRate, Sats, Txid } from "../primitives/units.ts";
import type { Family, PoolEntryView, PoolReader } from "./ports.ts";

/** A Mempool as the API reads it: plain reads on the pool's own thread. */
export function poolReader(pool: Mempool, clock: Pick<Clock, "nowMs">): PoolReader {
  const { policy } = pool;
  return {
    get size() {
      return pool.size;
    },
    get bytes() {
      return pool.vbytes;
    },
    get totalFee() {
      return pool.totalFee;
    },
    get usage() {
      return pool.usage;
    },
    bytesMax: policy.poolBytesMax,
    get feeRateMin() {
      return Math.max(pool.minFeeRate(Math.floor(clock.nowMs() / 1000)), policy.minRelayFeeRate) as FeeRate;
    },
    relayFeeRate: policy.minRelayFeeRate,
    incrementalFeeRate: policy.incrementalFeeRate,
    policy: {
      dataCarrierBytesMax: policy.dataCarrierBytesMax,
      permitBareMultisig: policy.permitBareMultisig,
      clusterCountMax: policy.clusterCountMax,
      clusterVsizeMax: Math.floor(policy.clusterWeightMax / 4),
      blockMinFeeRate: policy.blockMinFeeRate,
    },
    get sequence() {
      return pool.version + 1;
    },
    find: (txid) => pool.find(txid)?.tx,
    entry: (txid) => mapped(pool.find(txid), entryView),
    txids: () => Array.from(pool.entries(), ({ tx }) => tx.txid),
    ancestorsOf: (txid) => mapped(pool.find(txid), (entry) => idsOf(ancestorsOf(entry.parents))) ?? [],
    descendantsOf: (txid) => mapped(pool.find(txid), (entry) => idsOf(descendantsOf(entry))) ?? [],
    spenderOf: (key) => pool.spenderOf(key),
    findOutput: (key) => pool.findOutput(key),
    feeDeltas: () => Array.from(pool.feeDeltas(), ([rawTxid, delta]) => [displayTxid(rawTxid), delta as Sats] as const),
  };
}

function mapped<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

function displayTxid(rawTxid: string): Txid {
  return toDisplayHash(Buffer.from(rawTxid, "latin1")) as Txid;
}

function idsOf(entries: Iterable<PoolEntry>): Txid[] {
  return Array.from(entries, ({ tx }) => tx.txid);
}

/** Without itself. */
function descendantsOf(entry: PoolEntry): Set<PoolEntry> {
  const all = withDescendants([entry]);
  all.delete(entry);
  return all;
}

function entryView(entry: PoolEntry): PoolEntryView {
  const chunk = entry.cluster.chunkOf(entry);
  return {
    tx: entry.tx,
    vsize: entry.vsize,
    weight: entry.tx.weight,
    time: entry.time,
    height: entry.height,
    fee: entry.fee,
    modifiedFee: entry.modifiedFee as Sats,
    ancestors: familyOf([entry, ...ancestorsOf(entry.parents)]),
    descendants: familyOf([...withDescendants([entry])]),
    chunk: { weight: chunk.size, fee: chunk.fee },
    parents: idsOf(entry.parents),
    children: idsOf(entry.children),
  };
}

function familyOf(entries: readonly PoolEntry[]): Family {
  return {
    count: entries.length,
    vsize: entries.reduce((sum, { vsize }) => sum + vsize, 0),
    fees: entries.reduce((sum, { modifiedFee }) => sum + modifiedFee, 0),
  };
}
