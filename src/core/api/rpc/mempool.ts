import { outpointKey } from "../../primitives/outpoint.ts";
import type { Txid } from "../../primitives/units.ts";
import { amount } from "../format/amount.ts";
import type { ApiDeps, PoolEntryView, PoolReader } from "../ports.ts";
import { asHash, asInteger, typed } from "./args.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result, txidParam } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";
import type { Unbroadcast } from "./unbroadcast.ts";

/** What waits for a block. */
export function mempoolMethods(deps: ApiDeps, unbroadcast: Unbroadcast): readonly RpcMethod[] {
  return [
    getmempoolinfo(deps, unbroadcast),
    getrawmempool(deps, unbroadcast),
    getmempoolentry(deps, unbroadcast),
    relatives(deps, unbroadcast, "getmempoolancestors", "ancestors", (txid) => deps.pool.ancestorsOf(txid)),
    relatives(deps, unbroadcast, "getmempooldescendants", "descendants", (txid) => deps.pool.descendantsOf(txid)),
    gettxspendingprevout(deps),
    getprioritisedtransactions(deps),
    ...(deps.transactions.prioritise === undefined ? [] : [prioritisetransaction(deps)]),
  ];
}

function getmempoolinfo({ pool }: ApiDeps, unbroadcast: Unbroadcast): RpcMethod {
  return {
    name: "getmempoolinfo",
    group: "Blockchain",
    about: "Returns details on the active state of the TX memory pool.",
    params: [],
    results: result("{...}", "(json object)"),
    run: () => ({
      loaded: true,
      size: pool.size,
      bytes: pool.bytes,
      usage: pool.usage,
      total_fee: amount(pool.totalFee),
      maxmempool: pool.bytesMax,
      mempoolminfee: amount(pool.feeRateMin),
      minrelaytxfee: amount(pool.relayFeeRate),
      incrementalrelayfee: amount(pool.incrementalFeeRate),
      unbroadcastcount: unbroadcast.size,
      fullrbf: true,
      permitbaremultisig: pool.policy.permitBareMultisig,
      maxdatacarriersize: pool.policy.dataCarrierBytesMax,
      limitclustercount: pool.policy.clusterCountMax,
      limitclustersize: pool.policy.clusterVsizeMax,
      optimal: true,
    }),
  };
}

function getrawmempool({ pool }: ApiDeps, unbroadcast: Unbroadcast): RpcMethod {
  return {
    name: "getrawmempool",
    group: "Blockchain",
    about: "Returns all transaction ids in memory pool as a json array of string transaction ids.",
    params: [
      optional("verbose", "boolean", "True for a json object, false for array of transaction ids", "false"),
      optional(
        "mempool_sequence",
        "boolean",
        "If verbose=false, returns a json object with transaction list and mempool sequence number attached.",
        "false",
      ),
    ],
    results: [
      { when: "for verbose = false", rows: [["[...]", "(json array)"]] },
      { when: "for verbose = true", rows: [["{...}", "(json object)"]] },
    ],
    examples: ["true"],
    run(args) {
      const verbose = args.boolean(0, false);
      const withSequence = args.boolean(1, false);
      if (verbose && withSequence)
        throw new RpcError(RPC.INVALID_PARAMETER, "Verbose results cannot contain mempool sequence values.");
      if (verbose) return entriesJson(pool, pool.txids(), unbroadcast);
      return withSequence ? { txids: pool.txids(), mempool_sequence: pool.sequence } : pool.txids();
    },
  };
}

function getmempoolentry({ pool }: ApiDeps, unbroadcast: Unbroadcast): RpcMethod {
  return {
    name: "getmempoolentry",
    group: "Blockchain",
    about: "Returns mempool data for given transaction",
    params: [txidParam],
    results: result("{...}", "(json object)"),
    examples: ['"mytxid"'],
    run: (args) => entryJson(getEntry(pool, args.txid(0)), unbroadcast),
  };
}

function relatives(
  { pool }: ApiDeps,
  unbroadcast: Unbroadcast,
  name: string,
  word: string,
  find: (txid: Txid) => readonly Txid[],
): RpcMethod {
  return {
    name,
    group: "Blockchain",
    about: `If txid is in the mempool, returns all in-mempool ${word}.`,
    params: [txidParam, optional("verbose", "boolean", "True for a json object, false for array of transaction ids", "false")],
    results: [
      { when: "for verbose = false", rows: [["[...]", "(json array)"]] },
      { when: "for verbose = true", rows: [["{...}", "(json object)"]] },
    ],
    examples: ['"mytxid"'],
    run(args) {
      const txid = args.txid(0);
      getEntry(pool, txid);
      return args.boolean(1, false) ? entriesJson(pool, find(txid), unbroadcast) : find(txid);
    },
  };
}

function gettxspendingprevout({ pool }: ApiDeps): RpcMethod {
  return {
    name: "gettxspendingprevout",
    group: "Blockchain",
    about: "Scans the mempool to find transactions spending any of the given outputs",
    params: [
      param(
        "outputs",
        "array",
        "The transaction outputs that we want to check, and within each, the txid (string) vout (numeric).",
        { shown: '[{"txid":"hex","vout":n},...]' },
      ),
    ],
    results: result("[...]", "(json array)"),
    run(args) {
      const outputs = args.array(0);
      if (outputs.length === 0) throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, outputs are missing");
      return outputs.map((output) => {
        const { txid: given, vout: index } = typed(output, "object");
        const txid = asHash(given, "txid") as Txid;
        const vout = asInteger(index);
        if (vout < 0) throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, vout cannot be negative");
        const spender = pool.spenderOf(outpointKey(txid, vout));
        return { txid, vout, ...(spender === undefined ? {} : { spendingtxid: spender }) };
      });
    },
  };
}

function prioritisetransaction({ transactions }: ApiDeps): RpcMethod {
  return {
    name: "prioritisetransaction",
    group: "Mining",
    about: "Accepts the transaction into mined blocks at a higher (or lower) priority",
    params: [
      param("txid", "hex", "The transaction id."),
      optional("dummy", "number", "API-Compatibility for previous API. Must be zero or null."),
      param("fee_delta", "number", "The fee value (in satoshis) to add (or subtract, if negative)."),
    ],
    results: result("true|false", "(boolean) Returns true"),
    examples: ['"txid" 0.0 10000'],
    async run(args, { at }) {
      const txid = args.txid(0);
      if (args.integer(1, 0) !== 0) {
        throw new RpcError(
          RPC.INVALID_PARAMETER,
          "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.",
        );
      }
      await transactions.prioritise!(at, txid, args.satoshis(2));
      return true;
    },
  };
}

function getprioritisedtransactions({ pool }: ApiDeps): RpcMethod {
  return {
    name: "getprioritisedtransactions",
    group: "Mining",
    about:
      "Returns a map of all user-created (see prioritisetransaction) fee deltas by txid, and whether the tx is present in mempool.",
    params: [],
    results: result("{...}", "(json object)"),
    run: () =>
      Object.fromEntries(
        Array.from(pool.feeDeltas(), ([txid, delta]) => {
          const entry = pool.entry(txid);
          const pooled = entry === undefined ? {} : { modified_fee: entry.modifiedFee };
          return [txid, { fee_delta: delta, in_mempool: entry !== undefined, ...pooled }];
        }),
      ),
  };
}

function getEntry(pool: PoolReader, txid: Txid): PoolEntryView {
  const entry = pool.entry(txid);
  if (entry === undefined) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "Transaction not in mempool");
  return entry;
}

function entriesJson(pool: PoolReader, txids: readonly Txid[], unbroadcast: Unbroadcast): Record<string, unknown> {
  return Object.fromEntries(txids.map((txid) => [txid, entryJson(pool.entry(txid)!, unbroadcast)]));
}

function entryJson(entry: PoolEntryView, unbroadcast: Unbroadcast): Record<string, unknown> {
  return {
    vsize: entry.vsize,
    weight: entry.weight,
    time: entry.time,
    height: entry.height,
    descendantcount: entry.descendants.count,
    descendantsize: entry.descendants.vsize,
    ancestorcount: entry.ancestors.count,
    ancestorsize: entry.ancestors.vsize,
    wtxid: entry.tx.wtxid,
    chunkweight: entry.chunk.weight,
    fees: {
      base: amount(entry.fee),
      modified: amount(entry.modifiedFee),
      ancestor: amount(entry.ancestors.fees),
      descendant: amount(entry.descendants.fees),
      chunk: amount(entry.chunk.fee),
    },
    depends: entry.parents,
    spentby: entry.children,
    "bip125-replaceable": true,
    unbroadcast: unbroadcast.has(entry.tx.txid),
  };
}
