import { hexToBytes } from "../../encoding/hex.ts";
import { DecodeError, Reader } from "../../encoding/reader.ts";
import type { Root } from "../../locks/context.ts";
import { fillCoinbaseWitness } from "../../mining/coinbase.ts";
import { Block } from "../../primitives/block.ts";
import { Header } from "../../primitives/header.ts";
import type { BlockHash } from "../../primitives/units.ts";
import type { ApiDeps } from "../ports.ts";
import { isHex } from "./args.ts";
import { getBlockView } from "./find-block.ts";
import { SUBMITBLOCK_HELP } from "./help/submitblock.ts";
import type { RpcMethod } from "./method.ts";
import { blockHashParam, nothing, param } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Blocks and headers on their way in, and the two hands that may change which chain is best. */
export function submitBlockMethods(deps: ApiDeps): readonly RpcMethod[] {
  const { blocks } = deps;
  const mark = (name: string, about: string, run: Mark) => marking(deps, name, about, run);
  const invalid = "Permanently marks a block as invalid, as if it violated a consensus rule.";
  const reconsidered =
    "Removes invalidity status of a block, its ancestors and its descendants, reconsider them for activation.\n" +
    "This can be used to undo the effects of invalidateblock.";
  const precious = "Treats a block as if it were received before others with the same work.";
  return [
    submitblock(deps),
    submitheader(deps),
    mark("invalidateblock", invalid, (at, hash) => blocks.invalidate(at, hash)),
    mark("reconsiderblock", reconsidered, (at, hash) => blocks.reconsider(at, hash)),
    mark("preciousblock", precious, (at, hash) => blocks.prefer(at, hash)),
  ];
}

type Mark = (at: Root, hash: BlockHash) => Promise<void>;

function submitblock({ blocks, params, chain }: ApiDeps): RpcMethod {
  return {
    ...SUBMITBLOCK_HELP,
    name: "submitblock",
    group: "Mining",
    run(args, { at }) {
      const block = decodeBlock(args.text(0));
      const parent = chain.find(block.header.prevHash);
      const isSegwit = (parent?.height ?? -1) + 1 >= params.activation.segwit;
      return blocks.acceptBlock(at, parent === undefined ? block : fillCoinbaseWitness(block, isSegwit));
    },
  };
}

/** A block from hex; bytes behind it are let pass, as Bitcoin Core does. @throws RpcError -22 */
export function decodeBlock(hex: string): Block {
  const bytes = isHex(hex) ? hexToBytes(hex.toLowerCase()) : new Uint8Array();
  try {
    return Block.read(new Reader(bytes));
  } catch (error) {
    if (error instanceof DecodeError) throw new RpcError(RPC.DESERIALIZATION, "Block decode failed");
    throw error;
  }
}

function submitheader({ blocks, chain }: ApiDeps): RpcMethod {
  return {
    name: "submitheader",
    group: "Mining",
    about:
      "Decode the given hexdata as a header and submit it as a candidate chain tip if valid.\nThrows when the header is invalid.",
    params: [param("hexdata", "hex", "the hex-encoded block header data")],
    results: [{ rows: [["null", "(json null) None"]] }],
    examples: ['"aabbcc"'],
    async run(args, { at }) {
      const header = decodeHeader(args.text(0));
      if (chain.find(header.prevHash) === undefined) {
        throw new RpcError(RPC.VERIFY_ERROR, `Must submit previous header (${header.prevHash}) first`);
      }
      const verdict = await blocks.acceptHeader(at, header);
      if (verdict !== undefined && verdict !== "orphan") throw new RpcError(RPC.VERIFY_ERROR, verdict.code);
      return null;
    },
  };
}

function decodeHeader(hex: string): Header {
  const bytes = isHex(hex) ? hexToBytes(hex.toLowerCase()) : new Uint8Array();
  try {
    return Header.read(new Reader(bytes));
  } catch (error) {
    if (error instanceof DecodeError) throw new RpcError(RPC.DESERIALIZATION, "Block header decode failed");
    throw error;
  }
}

function marking({ chain }: ApiDeps, name: string, about: string, mark: Mark): RpcMethod {
  return {
    name,
    group: "Blockchain",
    about,
    params: [blockHashParam],
    results: nothing,
    examples: ['"blockhash"'],
    async run(args, { at }) {
      await mark(at, getBlockView(chain, args.blockHash(0)).hash);
      return null;
    },
  };
}
