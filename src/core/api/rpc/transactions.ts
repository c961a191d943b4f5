import { bytesToHex, hexToBytes } from "../../encoding/hex.ts";
import { DecodeError } from "../../encoding/reader.ts";
import { Block } from "../../primitives/block.ts";
import { Transaction } from "../../primitives/transaction.ts";
import type { BlockHash, Txid } from "../../primitives/units.ts";
import { decodeScript } from "../../script/describe-script.ts";
import { transactionJson } from "../format/transaction-json.ts";
import type { ApiDeps, BlockView } from "../ports.ts";
import { isHex } from "./args.ts";
import { readBody } from "./blocks.ts";
import { confirmations, isActive } from "./find-block.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result, txidParam } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Transactions as bytes and decoded. */
export function transactionMethods(deps: ApiDeps): readonly RpcMethod[] {
  return [getrawtransaction(deps), decoderawtransaction(deps), decodescript(deps)];
}

interface Found {
  readonly tx: Transaction;
  /** Undefined in the pool. */
  readonly block?: BlockView;
  readonly index?: number;
}

function getrawtransaction(deps: ApiDeps): RpcMethod {
  return {
    name: "getrawtransaction",
    group: "Rawtransactions",
    about: "Return the raw transaction data, from the mempool or from any block of the best chain.",
    params: [
      txidParam,
      optional(
        "verbosity|verbose",
        "number",
        "0 for hex-encoded data, 1 for a JSON object, and 2 for JSON object with fee and prevout",
        "0",
        { unchecked: true },
      ),
      optional("blockhash", "hex", "The block in which to look for the transaction"),
    ],
    results: [
      {
        when: "if verbosity is not set or set to 0",
        rows: [['"str"', "(string) The serialized transaction as a hex-encoded string"]],
      },
      { when: "if verbosity is set to 1 or 2", rows: [["{...}", "(json object)"]] },
    ],
    examples: ['"mytxid"', '"mytxid" 1'],
    async run(args) {
      const txid = args.txid(0, "parameter 1");
      if (txid === genesisTxid(deps)) {
        throw new RpcError(
          RPC.UNKNOWN_ADDRESS_OR_KEY,
          "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved",
        );
      }
      const verbosity = args.verbosity(1, 0);
      const found = args.has(2)
        ? await findInBlock(deps, txid, args.blockHash(2, "parameter 3"))
        : await findAnywhere(deps, txid);
      if (verbosity <= 0) return bytesToHex(found.tx.raw);
      return {
        ...(args.has(2) ? { in_active_chain: isActive(deps.chain, found.block!) } : {}),
        ...transactionJson(found.tx, {
          prefixes: deps.params.prefixes,
          spent: await spentBy(deps, found, verbosity),
          showsSpent: true,
        }),
        ...(found.block === undefined ? {} : whereJson(deps, found.block)),
      };
    },
  };
}

function genesisTxid({ params }: ApiDeps): Txid {
  return Block.decode(params.genesis).transactions[0]!.txid;
}

async function findInBlock(deps: ApiDeps, txid: Txid, hash: BlockHash): Promise<Found> {
  const view = deps.chain.find(hash);
  if (view === undefined) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "Block hash not found");
  const { transactions } = await readBody(deps, view);
  const index = transactions.findIndex((tx) => tx.txid === txid);
  if (index < 0) throw notFound("No such transaction found in the provided block");
  return { tx: transactions[index]!, block: view, index };
}

async function findAnywhere({ chain, pool }: ApiDeps, txid: Txid): Promise<Found> {
  const pooled = pool.find(txid);
  if (pooled !== undefined) return { tx: pooled };
  const place = await chain.findTransaction(txid);
  const block = place === undefined ? undefined : await chain.readBlock(place.block);
  if (place === undefined || block === undefined) throw notFound("No such mempool or blockchain transaction");
  return { tx: block.transactions[place.index]!, block: chain.find(place.block)!, index: place.index };
}

function notFound(what: string): RpcError {
  return new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, `${what}. Use gettransaction for wallet transactions.`);
}

async function spentBy({ chain }: ApiDeps, { block, index }: Found, verbosity: number) {
  if (verbosity < 2 || block === undefined || index === undefined || index === 0) return undefined;
  return (await chain.readSpentCoins(block.hash))?.[index - 1];
}

function whereJson({ chain }: ApiDeps, block: BlockView): Record<string, unknown> {
  if (!isActive(chain, block)) return { blockhash: block.hash, confirmations: 0 };
  return { blockhash: block.hash, confirmations: confirmations(chain, block), time: block.time, blocktime: block.time };
}

function decoderawtransaction({ params }: ApiDeps): RpcMethod {
  return {
    name: "decoderawtransaction",
    group: "Rawtransactions",
    about: "Return a JSON object representing the serialized, hex-encoded transaction.",
    params: [
      param("hexstring", "hex", "The transaction hex string"),
      optional(
        "iswitness",
        "boolean",
        "Whether the transaction hex is a serialized witness transaction",
        "depends on heuristic tests",
      ),
    ],
    results: result("{...}", "(json object)"),
    examples: ['"hexstring"'],
    run(args) {
      const isWitness = args.boolean(1, true);
      const tx = decodeTransaction(args.text(0), { triesWitness: isWitness, triesLegacy: !args.has(1) || !isWitness });
      if (tx === undefined) throw new RpcError(RPC.DESERIALIZATION, "TX decode failed");
      return transactionJson(tx, { prefixes: params.prefixes, omitsHex: true });
    },
  };
}

/** A transaction from hex; of the two forms that the bytes could be, the extended one is tried first (DecodeHexTx). */
export function decodeTransaction(hex: string, { triesWitness = true, triesLegacy = true } = {}): Transaction | undefined {
  if (!isHex(hex)) return undefined;
  const bytes = hexToBytes(hex.toLowerCase());
  return (triesWitness ? tryDecode(bytes, "extended") : undefined) ?? (triesLegacy ? tryDecode(bytes, "legacy") : undefined);
}

function tryDecode(bytes: Uint8Array, form: "extended" | "legacy"): Transaction | undefined {
  try {
    return Transaction.decode(bytes, form);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function decodescript({ params }: ApiDeps): RpcMethod {
  return {
    name: "decodescript",
    group: "Rawtransactions",
    about: "Decode a hex-encoded script.",
    params: [param("hexstring", "hex", "the hex-encoded script")],
    results: result("{...}", "(json object)"),
    examples: ['"hexstring"'],
    run: (args) => decodeScript(args.bytes(0, "argument"), params.prefixes),
  };
}
