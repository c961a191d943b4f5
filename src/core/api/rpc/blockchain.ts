import { bitsToTarget } from "../../primitives/target.ts";
import { double } from "../format/amount.ts";
import { difficulty, hex32, hex256 } from "../format/block-json.ts";
import type { ApiDeps, BlockView } from "../ports.ts";
import { getActiveBlock } from "./find-block.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Where the best chain stands. */
export function blockchainMethods(deps: ApiDeps): readonly RpcMethod[] {
  return [
    getblockchaininfo(deps),
    ...tipMethods(deps),
    getblockhash(deps),
    getdifficulty(deps),
    getchaintips(deps),
    getchaintxstats(deps),
  ];
}

function getblockchaininfo({ chain, params }: ApiDeps): RpcMethod {
  return {
    name: "getblockchaininfo",
    group: "Blockchain",
    about: "Returns an object containing various state info regarding blockchain processing.",
    params: [],
    results: result("{...}", "(json object)"),
    async run() {
      const { tip } = chain;
      return {
        chain: params.name,
        blocks: tip.height,
        headers: chain.bestHeaderHeight,
        bestblockhash: tip.hash,
        bits: hex32(tip.bits),
        target: hex256(bitsToTarget(tip.bits).target),
        difficulty: difficulty(tip.bits),
        time: tip.time,
        mediantime: tip.medianTime,
        verificationprogress: 1,
        initialblockdownload: false, // A development chain that was started again is not behind anybody.
        chainwork: hex256(tip.chainwork),
        size_on_disk: await chain.bytesOnDisk(),
        pruned: false,
        warnings: [],
      };
    },
  };
}

function tipMethods({ chain }: ApiDeps): readonly RpcMethod[] {
  return [
    {
      name: "getblockcount",
      group: "Blockchain",
      about: "Returns the height of the most-work fully-validated chain.\nThe genesis block has height 0.",
      params: [],
      results: result("n", "(numeric) The current block count"),
      run: () => chain.tip.height,
    },
    {
      name: "getbestblockhash",
      group: "Blockchain",
      about: "Returns the hash of the best (tip) block in the most-work fully-validated chain.",
      params: [],
      results: result('"hex"', "(string) the block hash, hex-encoded"),
      run: () => chain.tip.hash,
    },
  ];
}

function getblockhash({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getblockhash",
    group: "Blockchain",
    about: "Returns hash of block in best-block-chain at height provided.",
    params: [param("height", "number", "The height index")],
    results: result('"hex"', "(string) The block hash"),
    examples: ["1000"],
    run(args) {
      const block = chain.atHeight(args.integer(0));
      if (block === undefined) throw new RpcError(RPC.INVALID_PARAMETER, "Block height out of range");
      return block.hash;
    },
  };
}

function getdifficulty({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getdifficulty",
    group: "Blockchain",
    about: "Returns the proof-of-work difficulty as a multiple of the minimum difficulty.",
    params: [],
    results: result("n", "(numeric) the proof-of-work difficulty as a multiple of the minimum difficulty."),
    run: () => difficulty(chain.tip.bits),
  };
}

function getchaintips({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getchaintips",
    group: "Blockchain",
    about: "Return information about all known tips in the block tree, including the main chain as well as orphaned branches.",
    params: [],
    results: result("[...]", "(json array)"),
    run: () => chain.tips().map(({ height, hash, branchLength, status }) => ({ height, hash, branchlen: branchLength, status })),
  };
}

const SECONDS_PER_MONTH = 30 * 24 * 60 * 60;

function getchaintxstats({ chain, params }: ApiDeps): RpcMethod {
  return {
    name: "getchaintxstats",
    group: "Blockchain",
    about: "Compute statistics about the total number and rate of transactions in the chain.",
    params: [
      optional("nblocks", "number", "Size of the window in number of blocks", "one month"),
      optional("blockhash", "hex", "The hash of the block that ends the window.", "chain tip"),
    ],
    results: result("{...}", "(json object)"),
    examples: ["", "2016"],
    run(args) {
      const last = args.has(1) ? getActiveBlock(chain, args.blockHash(1)) : chain.find(chain.tip.hash)!;
      const month = Math.floor(SECONDS_PER_MONTH / params.targetSpacingSeconds);
      const blocks = args.integer(0, Math.max(0, Math.min(month, last.height - 1)));
      if (blocks < 0 || (blocks > 0 && blocks >= last.height)) {
        throw new RpcError(RPC.INVALID_PARAMETER, "Invalid block count: should be between 0 and the block's height - 1");
      }
      return { ...windowEnd(last, blocks), ...(blocks > 0 ? windowRate(last, last.ancestor(last.height - blocks)!) : {}) };
    },
  };
}

function windowEnd(last: BlockView, blocks: number): Record<string, unknown> {
  return {
    time: last.time,
    txcount: last.chainTransactionCount,
    window_final_block_hash: last.hash,
    window_final_block_height: last.height,
    window_block_count: blocks,
  };
}

function windowRate(last: BlockView, first: BlockView): Record<string, unknown> {
  const seconds = last.medianTimePast - first.medianTimePast;
  const transactions = last.chainTransactionCount - first.chainTransactionCount;
  const rate = seconds > 0 ? { txrate: double(transactions / seconds) } : {};
  return { window_interval: seconds, window_tx_count: transactions, ...rate };
}
