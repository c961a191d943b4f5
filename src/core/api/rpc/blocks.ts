import { checkBlock } from "../../consensus/check-block.ts";
import { bytesToHex } from "../../encoding/hex.ts";
import type { Block } from "../../primitives/block.ts";
import { blockJson, headerJson } from "../format/block-json.ts";
import { transactionJson } from "../format/transaction-json.ts";
import type { ApiDeps, BlockView } from "../ports.ts";
import { getBlockView, placeOf } from "./find-block.ts";
import { GETBLOCK_HELP } from "./help/getblock.ts";
import type { RpcMethod } from "./method.ts";
import { blockHashParam, optional, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Blocks and headers by their hash. */
export function blockMethods(deps: ApiDeps): readonly RpcMethod[] {
  return [getblockheader(deps), getblock(deps), getblockfilter(deps), verifychain(deps)];
}

function getblockheader({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getblockheader",
    group: "Blockchain",
    about:
      "If verbose is false, returns a string that is serialized, hex-encoded data for blockheader 'hash'.\n" +
      "If verbose is true, returns an Object with information about blockheader <hash>.",
    params: [blockHashParam, optional("verbose", "boolean", "true for a json object, false for the hex-encoded data", "true")],
    results: [{ when: "for verbose = true", rows: [["{...}", "(json object)"]] }, ...result('"hex"', "(string) the header")],
    run(args) {
      const block = getBlockView(chain, args.blockHash(0, "hash"));
      return args.boolean(1, true) ? headerJson(placeOf(chain, block)) : bytesToHex(block.header.raw);
    },
  };
}

function getblock(deps: ApiDeps): RpcMethod {
  return {
    ...GETBLOCK_HELP,
    name: "getblock",
    group: "Blockchain",
    async run(args) {
      const verbosity = args.verbosity(1, 1);
      const view = getBlockView(deps.chain, args.blockHash(0));
      const block = await readBody(deps, view);
      if (verbosity <= 0) return bytesToHex(block.raw);
      const transactions = verbosity === 1 ? block.transactions.map((tx) => tx.txid) : await decoded(deps, block, verbosity);
      return blockJson(placeOf(deps.chain, view), block, transactions);
    },
  };
}

/** @throws RpcError -1 while only the header is known */
export async function readBody({ chain }: Pick<ApiDeps, "chain">, view: BlockView): Promise<Block> {
  const block = await chain.readBlock(view.hash);
  if (block === undefined) throw new RpcError(RPC.MISC, "Block not available (not fully downloaded)");
  return block;
}

/** The transactions with their fees, and from verbosity 3 on with the coins that they spent. */
async function decoded({ chain, params }: ApiDeps, block: Block, verbosity: number): Promise<readonly unknown[]> {
  const spent = await chain.readSpentCoins(block.hash);
  return block.transactions.map((tx, index) =>
    transactionJson(tx, { prefixes: params.prefixes, spent: spent?.[index - 1], showsSpent: verbosity >= 3 }),
  );
}

/** Compact filters (BIP157) need an index that this node does not have. */
function getblockfilter({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getblockfilter",
    group: "Blockchain",
    about: "Retrieve a BIP 157 content filter for a particular block.",
    params: [blockHashParam, optional("filtertype", "string", "The type name of the filter", '"basic"')],
    results: result("{...}", "(json object)"),
    examples: ['"blockhash" "basic"'],
    run(args) {
      getBlockView(chain, args.blockHash(0));
      const type = args.text(1, "basic");
      if (type !== "basic") throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "Unknown filtertype");
      throw new RpcError(RPC.MISC, "Index is not enabled for filtertype basic");
    },
  };
}

/** Blocks that Bitcoin Core looks at by default. */
const BLOCKS_VERIFIED = 6;

/** Reads the last blocks from disk again and holds them to every rule that needs no coins; `chaincore chain verify` does the rest. */
function verifychain({ chain, params }: ApiDeps): RpcMethod {
  return {
    name: "verifychain",
    group: "Blockchain",
    about: "Verifies blockchain database.",
    params: [
      optional("checklevel", "number", "How thorough the block verification is; this node does the same at every level", "3"),
      optional("nblocks", "number", "The number of blocks to check, 0 for all.", String(BLOCKS_VERIFIED)),
    ],
    results: result("true|false", "(boolean) Verification finished successfully."),
    async run(args, { signal }) {
      const wanted = args.integer(1, BLOCKS_VERIFIED);
      let view = chain.find(chain.tip.hash);
      for (let left = wanted > 0 ? wanted : Number.POSITIVE_INFINITY; view !== undefined && view.height > 0 && left > 0; left--) {
        const block = await chain.readBlock(view.hash);
        if (block === undefined || block.hash !== view.hash || checkBlock(block, params) !== undefined || signal.aborted)
          return false;
        view = view.prev;
      }
      return true;
    },
  };
}
