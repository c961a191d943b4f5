import { expect, test } from "vitest";
import type { Chain } from "../../src/core/chain/chain.ts";
import { submitBlockResult } from "../../src/core/chain/outcome.ts";
import { coinSetStatistics } from "../../src/core/coins/set-hash.ts";
import { type NetworkParams, REGTEST } from "../../src/core/consensus/params.ts";
import { Reader } from "../../src/core/encoding/reader.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Header } from "../../src/core/primitives/header.ts";
import { createVerifier } from "../../src/core/verify/verifier.ts";
import { withReservedValue } from "../support/memory-chain.ts";
import { hasTestData, testLines } from "../support/test-data.ts";
import { ChainBench } from "./harness.ts";

interface Line {
  readonly op: string;
  readonly [field: string]: unknown;
}

/** What getchaintips shows, in the order of the file: by height, then hash. */
function chainTips(chain: Chain) {
  const tips = chain.tips().map(({ hash, height, branchLength, status }) => ({ height, hash, branchlen: branchLength, status }));
  return tips.sort((a, b) => a.height - b.height || (a.hash < b.hash ? -1 : 1));
}

/** `submitblock`, as far as chain/ answers it. */
async function submitBlock(bench: ChainBench, hex: string): Promise<string | null> {
  let block: Block;
  try {
    if (!/^([0-9a-f]{2})*$/i.test(hex)) return "undecodable";
    block = withReservedValue(Block.read(new Reader(new Uint8Array(Buffer.from(hex, "hex")))));
  } catch {
    return "undecodable";
  }
  return submitBlockResult(await bench.run((at, chain) => chain.acceptBlock(at, block)));
}

async function submitHeader(bench: ChainBench, hex: string): Promise<string | null> {
  let header: Header;
  try {
    header = Header.decode(new Uint8Array(Buffer.from(hex, "hex")));
  } catch {
    return "Block header decode failed";
  }
  const outcome = await bench.run((at, chain) => chain.acceptHeader(at, header));
  if (outcome.kind === "orphan") return `Must submit previous header (${outcome.missing}) first`;
  return outcome.kind === "invalid" ? outcome.why.code : null;
}

async function utxo(chain: Chain) {
  using snapshot = chain.coins.snapshot();
  const muhash = await coinSetStatistics(snapshot, "muhash");
  const serialized = await coinSetStatistics(snapshot, "hash_serialized_3");
  const { txouts, bogosize, transactions } = muhash;
  return { muhash: muhash.hash, hash_serialized_3: serialized.hash, txouts, bogosize, transactions };
}

async function openBench(params: NetworkParams): Promise<ChainBench> {
  return ChainBench.open({ params }, { verifier: createVerifier({ workers: 0 }) });
}

test.skipIf(!hasTestData)("every step of the open chain ends as Bitcoin Core's did", { timeout: 300_000 }, async () => {
  await using bench = await openBench(REGTEST);
  const lines = testLines<Line>("chains/open-1/blocks.jsonl.gz");
  for (const [number, line] of lines.entries()) {
    const where = `step ${number}: ${line["note"] ?? line.op}`;
    const { chain } = bench;
    if (line.op === "setmocktime") bench.nowSeconds = line["time"] as number;
    if (line.op === "submitblock") {
      const result = await submitBlock(bench, line["hex"] as string);
      expect(result, where).toBe(line["rpc_error"] ? "undecodable" : line["result"]);
    }
    if (line.op === "submitheader") {
      const error = line["rpc_error"] as { message: string } | null;
      expect(await submitHeader(bench, line["hex"] as string), where).toBe(error?.message ?? null);
    }
    if (line.op === "utxo") {
      expect({ ...line, ...(await utxo(chain)) }, where).toEqual(line);
      expect(chain.tip.hash, where).toBe(line["bestblock"]);
    }
    if (line.op === "chaintips") expect(chainTips(chain), where).toEqual(line["tips"]);
    if (typeof line["tip"] === "string") expect([chain.tip.hash, chain.tip.height], where).toEqual([line["tip"], line["height"]]);
    if (typeof line["chainwork"] === "string") expect(chain.tip.chainwork, where).toBe(BigInt(`0x${line["chainwork"]}`));
  }
});

interface Batch {
  readonly n: number;
  readonly blocks: readonly string[];
  readonly tip: string;
  readonly mocktime: number;
  readonly then_invalidate: boolean;
  readonly submit: readonly (string | null)[];
}

test.skipIf(!hasTestData)(
  "every block of Bitcoin Core's feature_block gets its verdict, and every tip is Core's",
  { timeout: 300_000 },
  async () => {
    // feature_block.py runs its node with -testactivationheight=bip34@2.
    await using bench = await openBench({ ...REGTEST, activation: { ...REGTEST.activation, bip34: 2 } });
    for (const batch of testLines<Batch>("vectors/feature_block_submit.jsonl.gz")) {
      bench.nowSeconds = batch.mocktime;
      for (const [index, hex] of batch.blocks.entries()) {
        const wanted = batch.submit[index] === "RPC-22 Block decode failed" ? "undecodable" : batch.submit[index];
        expect(await submitBlock(bench, hex), `batch ${batch.n}, block ${index}`).toBe(wanted);
      }
      expect(bench.chain.tip.hash, `batch ${batch.n}`).toBe(batch.tip);
      if (batch.then_invalidate) await bench.run((at, chain) => chain.invalidate(at, chain.tip.hash));
    }
  },
);
