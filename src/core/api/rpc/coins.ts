import type { Coin } from "../../primitives/coin.ts";
import { outpointBytes, outpointKey } from "../../primitives/outpoint.ts";
import { describeScript } from "../../script/describe-script.ts";
import { amount } from "../format/amount.ts";
import type { ApiDeps, CoinSetHash } from "../ports.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result, txidParam } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** What is unspent. */
export function coinMethods(deps: ApiDeps): readonly RpcMethod[] {
  return [gettxout(deps), gettxoutsetinfo(deps)];
}

function gettxout({ chain, pool, params }: ApiDeps): RpcMethod {
  return {
    name: "gettxout",
    group: "Blockchain",
    about: "Returns details about an unspent transaction output.",
    params: [
      txidParam,
      param("n", "number", "vout number"),
      optional("include_mempool", "boolean", "Whether to include the mempool. Spent outputs in it do not appear.", "true"),
    ],
    results: [
      { when: "If the UTXO was not found", rows: [["null", "(json null)"]] },
      { when: "Otherwise", rows: [["{...}", "(json object)"]] },
    ],
    examples: ['"txid" 1'],
    run(args) {
      const txid = args.txid(0);
      const vout = args.integer(1, 0, 0, 0xffffffff);
      const key = outpointKey(txid, vout);
      const { tip } = chain;
      const withPool = args.boolean(2, true);
      if (withPool && pool.spenderOf(key) !== undefined) return null;
      const pooled = withPool ? pool.findOutput(key) : undefined;
      const coin: Coin | undefined = pooled ?? chain.coins.find(outpointBytes(txid, vout));
      if (coin === undefined) return null;
      return {
        bestblock: tip.hash,
        confirmations: pooled === undefined ? tip.height - coin.height + 1 : 0,
        value: amount(coin.value),
        scriptPubKey: describeScript(coin.script, params.prefixes),
        coinbase: coin.isCoinbase,
      };
    },
  };
}

const HASH_TYPES: ReadonlyMap<string, CoinSetHash> = new Map([
  ["none", "none"],
  ["muhash", "muhash"],
  ["hash_serialized_3", "hash_serialized_3"],
]);

function gettxoutsetinfo({ chain }: ApiDeps): RpcMethod {
  return {
    name: "gettxoutsetinfo",
    group: "Blockchain",
    about: "Returns statistics about the unspent transaction output set.\nThis call walks over the whole set.",
    params: [
      optional(
        "hash_type",
        "string",
        "Which hash of the set is made: 'hash_serialized_3', 'muhash', 'none'.",
        "hash_serialized_3",
      ),
      optional(
        "hash_or_height",
        "any",
        "The block of which the statistics are wanted; only the tip is served",
        "the current best block",
      ),
      optional("use_index", "boolean", "Ignored: there is no index of statistics", "true"),
    ],
    results: result("{...}", "(json object)"),
    examples: ["", '"none"'],
    async run(args, { at, signal }) {
      const name = args.text(0, "hash_serialized_3");
      const kind = HASH_TYPES.get(name);
      if (kind === undefined) throw new RpcError(RPC.INVALID_PARAMETER, `'${name}' is not a valid hash_type`);
      if (args.has(1)) throw new RpcError(RPC.INVALID_PARAMETER, "Querying specific block heights requires coinstatsindex");
      const facts = await chain.coinSet(at, kind, signal);
      return {
        height: facts.height,
        bestblock: facts.bestBlock,
        txouts: facts.outputs,
        bogosize: facts.bogoSize,
        ...(kind === "none" ? {} : { [kind]: facts.hash }),
        total_amount: amount(facts.totalAmount),
        transactions: facts.transactions,
        disk_size: facts.diskBytes,
      };
    },
  };
}
