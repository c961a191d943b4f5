import { testLines } from "../support/test-data.ts";
import type { Step } from "./open-chain-node.ts";
import type { TestNode } from "./test-node.ts";

type Answer = Record<string, unknown>;

/** What the node answers to a step, in the fields in which the recording has it. */
async function answerTo(node: TestNode, step: Step): Promise<Answer> {
  switch (step.op) {
    case "testmempoolaccept":
      return await testAccept(node, step);
    case "sendrawtransaction":
      return errorOrResult(await node.answerTo("sendrawtransaction", ...rawParams(step, step.hex)));
    case "submitpackage":
      return errorOrResult(await node.answerTo("submitpackage", ...rawParams(step, step["package"])));
    case "getmempoolentry":
      return errorOrResult(sortedRelatives(await node.answerTo("getmempoolentry", step["txid"])));
    case "getrawmempool_verbose":
      return { result: mapValues(await node.call<Answer>("getrawmempool", true), sortedRelatives) };
    case "getrawmempool":
      return await poolAnswer(node);
    case "getblocktemplate":
      return errorOrResult(withoutLongPollId(await node.answerTo("getblocktemplate", ...(step["params"] as unknown[]))));
    case "submitblock":
      return { ...errorOrResult(await node.answerTo("submitblock", step.hex)), tip: node.parts.chain.tip.hash };
    case "utxo": {
      const { muhash, txouts, height } = await node.call<Answer>("gettxoutsetinfo", "muhash");
      return { muhash, txouts, height };
    }
    case "setmocktime":
      return errorOrResult(await node.answerTo("setmocktime", step.time));
    default:
      return { tip: node.parts.chain.tip.hash, height: node.parts.chain.tip.height };
  }
}

/** The whole parameter list of a malformed call, or the transaction and what follows it. */
function rawParams(step: Step, first: unknown): readonly unknown[] {
  return (step["params_raw"] as unknown[] | undefined) ?? [first, ...((step["params"] as unknown[] | undefined) ?? [])];
}

function errorOrResult(answer: unknown): Answer {
  const isError = typeof answer === "object" && answer !== null && "code" in answer && "message" in answer;
  return isError ? { result: null, rpc_error: answer } : { result: answer };
}

async function testAccept(node: TestNode, step: Step): Promise<Answer> {
  const isPlain = step.hex !== undefined;
  const answer = await node.answerTo("testmempoolaccept", ...rawParams(step, isPlain ? [step.hex] : step["package"]));
  if (!isPlain || !Array.isArray(answer)) return isPlain ? { rpc_error: answer } : errorOrResult(answer);
  const { allowed, txid, wtxid, vsize, fees, ...rest } = answer[0] as Answer & { fees?: { base: number } };
  return {
    allowed,
    txid,
    wtxid,
    reject: rest["reject-reason"] ?? null,
    reject_details: rest["reject-details"],
    vsize,
    fee: fees?.base.toFixed(8),
  };
}

async function poolAnswer(node: TestNode): Promise<Answer> {
  const { size, bytes, total_fee } = await node.call<{ size: number; bytes: number; total_fee: number }>("getmempoolinfo");
  const txids = (await node.call<string[]>("getrawmempool")).toSorted();
  return { txids, size, bytes, total_fee: total_fee.toFixed(8) };
}

/** The order of relatives means nothing. */
function sortedRelatives(entry: unknown): unknown {
  const { depends, spentby } = entry as { depends?: string[]; spentby?: string[] };
  return depends === undefined || spentby === undefined
    ? entry
    : { ...(entry as object), depends: depends.toSorted(), spentby: spentby.toSorted() };
}

function mapValues(values: Answer, map: (value: unknown) => unknown): Answer {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

function withoutLongPollId(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return answer;
  const { longpollid: _, ...rest } = answer as Answer;
  return rest;
}

/** The recording's answer in the same fields; what it leaves out is not compared. */
function recordedAnswer(step: Step): Answer {
  if (step.op === "getmempoolentry") return { ...step, result: step.result && sortedRelatives(step.result) };
  if (step.op === "getrawmempool_verbose") return { result: mapValues(step.result as Answer, sortedRelatives) };
  if (step.op === "getblocktemplate") return { ...step, result: withoutLongPollId(step.result) };
  return step;
}

/** What the recording does not have in every step of its kind. */
const OFTEN_LEFT_OUT: ReadonlySet<string> = new Set(["size", "bytes", "total_fee"]);

/** Asks what Bitcoin Core was asked of its pool. Returns what was answered otherwise. */
export async function replayPool(node: TestNode, file: string): Promise<string[]> {
  const different: string[] = [];
  for (const [number, step] of testLines<Step>(`chains/open-1/${file}`).entries()) {
    const got = await answerTo(node, step);
    const wanted = recordedAnswer(step);
    for (const [field, value] of Object.entries(got)) {
      if (OFTEN_LEFT_OUT.has(field) && !(field in wanted)) continue;
      const recorded = wanted[field] ?? null;
      if (JSON.stringify(canonical(value ?? null)) === JSON.stringify(canonical(recorded))) continue;
      different.push(`${file} ${number} ${step.op} (${step.note}): ${field} is ${short(value)}, not ${short(recorded)}`);
    }
  }
  return different;
}

/** Names of objects sorted: only the recorded requests of part C keep their order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, canonical(each)]),
  );
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 300);
}
