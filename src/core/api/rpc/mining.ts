import { nextBits } from "../../consensus/difficulty.ts";
import { bytesToHex } from "../../encoding/hex.ts";
import { ChainCoreError } from "../../errors.ts";
import { decodeAddress } from "../../primitives/address.ts";
import { bitsToTarget } from "../../primitives/target.ts";
import type { Transaction } from "../../primitives/transaction.ts";
import type { Txid } from "../../primitives/units.ts";
import { amount, double } from "../format/amount.ts";
import { difficulty, hex32, hex256 } from "../format/block-json.ts";
import type { ApiDeps, BlockView, ChainReader, Mining } from "../ports.ts";
import { typed } from "./args.ts";
import type { Call, RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";
import { getblocktemplate } from "./template.ts";
import { decodeTransaction } from "./transactions.ts";

/** The next block: what is known of it, and making it at once. */
export function miningMethods(deps: ApiDeps): readonly RpcMethod[] {
  const { mining } = deps;
  return [
    getmininginfo(deps),
    getnetworkhashps(deps),
    ...(mining === undefined
      ? []
      : [generatetoaddress(deps, mining), generateblock(deps, mining), getblocktemplate(deps, mining)]),
  ];
}

function getmininginfo({ chain, pool, params }: ApiDeps): RpcMethod {
  return {
    name: "getmininginfo",
    group: "Mining",
    about: "Returns a json object containing mining-related information.",
    params: [],
    results: result("{...}", "(json object)"),
    run() {
      const { tip } = chain;
      const next = nextBits(chain.find(tip.hash)!, params);
      return {
        blocks: tip.height,
        bits: hex32(tip.bits),
        difficulty: difficulty(tip.bits),
        target: targetText(tip.bits),
        networkhashps: double(hashesPerSecond(chain, chain.find(tip.hash)!, DEFAULT_WINDOW)),
        pooledtx: pool.size,
        blockmintxfee: amount(pool.policy.blockMinFeeRate),
        chain: params.name,
        next: { height: tip.height + 1, bits: hex32(next), difficulty: difficulty(next), target: targetText(next) },
        warnings: [],
      };
    },
  };
}

function targetText(bits: number): string {
  return hex256(bitsToTarget(bits).target);
}

/** Blocks over which the hash rate is estimated. */
const DEFAULT_WINDOW = 120;

function getnetworkhashps({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getnetworkhashps",
    group: "Mining",
    about: "Returns the estimated network hashes per second based on the last n blocks.",
    params: [
      optional("nblocks", "number", "The number of previous blocks to calculate estimate from.", "120"),
      optional("height", "number", "To estimate at the time of the given height.", "-1"),
    ],
    results: result("n", "(numeric) Hashes per second estimated"),
    run(args) {
      const window = args.integer(0, DEFAULT_WINDOW);
      const height = args.integer(1, -1);
      if (window < -1 || window === 0)
        throw new RpcError(RPC.INVALID_PARAMETER, "Invalid nblocks. Must be a positive number or -1.");
      if (height < -1 || height > chain.tip.height)
        throw new RpcError(RPC.INVALID_PARAMETER, "Block does not exist at specified height");
      const last = height < 0 ? chain.find(chain.tip.hash)! : chain.atHeight(height)!;
      return double(hashesPerSecond(chain, last, window < 0 ? (last.height % RETARGET_BLOCKS) + 1 : window));
    },
  };
}

/** Bitcoin Core's difficulty period on regtest: a day of ten minutes. */
const RETARGET_BLOCKS = 144;

/** Work over time of the window that ends with `last`; 0 where all its times are equal. */
function hashesPerSecond(_chain: ChainReader, last: BlockView, window: number): number {
  if (last.height === 0) return 0;
  let first = last;
  let [earliest, latest] = [last.time as number, last.time as number];
  for (let i = Math.min(window, last.height); i > 0; i--) {
    first = first.prev!;
    earliest = Math.min(earliest, first.time);
    latest = Math.max(latest, first.time);
  }
  return latest === earliest ? 0 : Number(last.chainwork - first.chainwork) / (latest - earliest);
}

const TRIES_MAX = 1_000_000;

function generatetoaddress(deps: ApiDeps, mining: Mining): RpcMethod {
  return {
    name: "generatetoaddress",
    group: "Mining",
    about: "Mine to a specified address and return the block hashes.",
    params: [
      param("nblocks", "number", "How many blocks are generated."),
      param("address", "string", "The address to send the newly generated bitcoin to."),
      optional("maxtries", "number", "How many iterations to try.", "1000000"),
    ],
    results: result("[...]", "(json array) hashes of blocks generated"),
    examples: ['11 "myaddress"'],
    async run(args, call) {
      const blocks = args.integer(0);
      const triesMax = args.integer(2, TRIES_MAX);
      const script = payTo(deps, args.text(1), "Error: Invalid address");
      return await generate(mining, call, { blocks, script, triesMax });
    },
  };
}

async function generate(
  mining: Mining,
  { at, signal }: Call,
  { blocks, script, triesMax }: { blocks: number; script: Uint8Array; triesMax: number },
): Promise<string[]> {
  const hashes: string[] = [];
  while (hashes.length < blocks && !signal.aborted) {
    try {
      hashes.push((await mining.mineNow(at, { script, triesMax })).hash);
    } catch (error) {
      if (error instanceof ChainCoreError && error.code === "max-tries") break; // As Core: what was found so far.
      throw error;
    }
  }
  return hashes;
}

function payTo({ params }: ApiDeps, address: string, message: string): Uint8Array {
  const decoded = decodeAddress(address, params.prefixes);
  if ("error" in decoded) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, message);
  return decoded.script;
}

function generateblock(deps: ApiDeps, mining: Mining): RpcMethod {
  return {
    name: "generateblock",
    group: "Mining",
    about: "Mine a set of ordered transactions to a specified address and return the block hash.",
    params: [
      param("output", "string", "The address to send the newly generated bitcoin to."),
      param(
        "transactions",
        "array",
        "Transactions in the block, each as an id of the mempool or as raw hex, in the order given.",
        { shown: '["rawtx/txid",...]' },
      ),
      optional("submit", "boolean", "Whether to submit the block before the RPC call returns or to return it as hex.", "true"),
    ],
    results: result("{...}", "(json object)"),
    async run(args, { at }) {
      const script = payTo(deps, args.text(0), "Error: Invalid address or descriptor");
      const transactions = args.array(1).map((value) => transactionOf(deps, typed(value, "string")));
      const submits = args.boolean(2, true);
      const block = await mining.mineNow(at, { script, transactions, submits });
      return submits ? { hash: block.hash } : { hash: block.hash, hex: bytesToHex(block.raw) };
    },
  };
}

function transactionOf({ pool }: ApiDeps, text: string): Transaction {
  if (/^[0-9a-fA-F]{64}$/.test(text)) {
    const pooled = pool.find(text.toLowerCase() as Txid);
    if (pooled === undefined) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, `Transaction ${text} not in mempool.`);
    return pooled;
  }
  const tx = decodeTransaction(text);
  if (tx === undefined) {
    throw new RpcError(RPC.DESERIALIZATION, `Transaction decode failed for ${text}. Make sure the tx has at least one input.`);
  }
  return tx;
}
