import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { MemoryChain } from "../support/memory-chain.ts";
import { buildOpenChain, openSteps, type Step } from "../support/open-chain.ts";
import { hasTestData } from "../support/test-data.ts";
import { submit, testPackage } from "./package-replay.ts";
import { decodeTx, PoolReplay } from "./pool-replay.ts";

/** Rules of the RPC layer, which api/ is held to: fee and burn limits of a call, wrong parameters, decoding. */
function isAboutTheCall(step: Step): boolean {
  if (step.reject === "max-fee-exceeded" || step.rpc_error?.message.includes("exceeds maximum configured by user")) return true;
  return step.rpc_error != null && ![-25, -26, -27].includes(step.rpc_error.code);
}

function difference(replay: PoolReplay, step: Step): string | undefined {
  if (isAboutTheCall(step)) return undefined;
  const tx = step.hex === undefined ? undefined : decodeTx(step.hex);
  if (tx === undefined) return undefined;
  if (step.op === "sendrawtransaction") {
    const result = replay.send(tx);
    return result === step.reject ? undefined : `${result}, Core says ${step.reject}`;
  }
  const got = replay.test(tx);
  const fee = got.fee === undefined ? undefined : (got.fee / 1e8).toFixed(8);
  const ours = JSON.stringify([got.reason, got.details, got.vsize, fee]);
  const theirs = JSON.stringify([step.reject ?? undefined, step.reject_details, step.vsize, step.fee]);
  return ours === theirs ? undefined : `${ours}, Core says ${theirs}`;
}

/** What the pool answers for; the order in depends and spentby is free. */
function entryFields(entry: unknown): unknown {
  const {
    "bip125-replaceable": _signal,
    unbroadcast: _sent,
    ...fields
  } = entry as Record<string, unknown> & {
    depends: string[];
    spentby: string[];
  };
  return { ...fields, depends: fields.depends.toSorted(), spentby: fields.spentby.toSorted() };
}

async function replaySteps(replay: PoolReplay, steps: readonly Step[]): Promise<string[]> {
  const differences: string[] = [];
  for (const [index, step] of steps.entries()) {
    const note = (text: string) => differences.push(`${index} ${step.op} ${step.note}: ${text}`);
    if (step.op === "setmocktime") replay.chain.nowSeconds = step.time!;
    if (step.hex !== undefined && (step.op === "testmempoolaccept" || step.op === "sendrawtransaction")) {
      const text = difference(replay, step);
      if (text !== undefined) note(text);
    }
    if (step.package) {
      const txs = step.package.map((hex) => decodeTx(hex)!);
      const answer = step.op === "submitpackage" ? await submit(replay, txs) : testPackage(replay, txs);
      const wanted = step.result ?? step.rpc_error?.message;
      if (!isDeepStrictEqual(answer, wanted)) note(`${JSON.stringify(answer)}, Core says ${JSON.stringify(wanted)}`);
      continue;
    }
    if (step.op === "submitblock") {
      const result = await replay.submitBlock(step);
      if (result !== step.result) note(`${result}, Core says ${step.result}`);
    }
    if (step.op === "getblocktemplate" && step.result instanceof Object) {
      const theirs = (step.result as { transactions: { txid: string }[] }).transactions.map(({ txid }) => txid);
      const ours = replay.template();
      const at = theirs.findIndex((txid, i) => txid !== ours[i]);
      if (at >= 0 || ours.length !== theirs.length) note(`template of ${ours.length} differs from ${theirs.length} at ${at}`);
    }
    if (step.op === "getmempoolentry" && step.result) {
      const answer = replay.entryAnswer(step.txid!);
      if (!isDeepStrictEqual(answer, entryFields(step.result)))
        note(`${JSON.stringify(answer)}, Core says ${JSON.stringify(step.result)}`);
    }
    if (step.op === "getrawmempool_verbose") {
      for (const [txid, entry] of Object.entries(step.result as object)) {
        const answer = replay.entryAnswer(txid);
        if (!isDeepStrictEqual(answer, entryFields(entry)))
          note(`${txid} ${JSON.stringify(answer)}, Core says ${JSON.stringify(entry)}`);
      }
    }
    if (step.op === "getrawmempool") {
      const ours = new Set(replay.txids());
      const theirs = new Set(step.txids!);
      for (const txid of ours) if (!theirs.has(txid)) note(`${txid} is too many`);
      for (const txid of theirs) if (!ours.has(txid)) note(`${txid} is missing`);
    }
  }
  return differences;
}

test.skipIf(!hasTestData)(
  "the pool gives the verdicts of Bitcoin Core's on open-1, by default policy and with odd forms",
  async () => {
    const replay = new PoolReplay(buildOpenChain());
    const differences = await replaySteps(replay, openSteps("mempool.jsonl.gz"));
    const nonstandard = new PoolReplay(replay.chain, { requireStandard: false });
    differences.push(...(await replaySteps(nonstandard, openSteps("mempool-nonstd.jsonl"))));
    expect(differences).toEqual([]);
  },
);

test.skipIf(!hasTestData)("after reorganisations the pool holds what Bitcoin Core's holds", async () => {
  const replay = new PoolReplay(new MemoryChain(REGTEST));
  const differences: string[] = [];
  for (const [index, step] of openSteps("blocks.jsonl.gz").entries()) {
    if (step.op === "submitheader" && step.hex!.length === 160) replay.chain.submitHeader(Buffer.from(step.hex!, "hex"));
    const isTaken = step.op !== "submitblock" || (!step.rpc_error && (step.result === null || step.result === "inconclusive"));
    if (isTaken) for (const text of await replaySteps(replay, [step])) differences.push(`${index}: ${text}`);
  }
  expect(differences).toEqual([]);
});
