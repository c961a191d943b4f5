import { testLines } from "../support/test-data.ts";
import type { TestNode } from "./test-node.ts";

/** One line of chains/open-1 as it was sent to Bitcoin Core; its README names the fields. */
export interface Step {
  readonly op: string;
  readonly time?: number;
  readonly hex?: string;
  readonly note?: string;
  readonly result?: unknown;
  readonly rpc_error?: { readonly code: number; readonly message: string } | null;
  readonly [field: string]: unknown;
}

/** Builds the chain of part A through the calls that were made. Returns what was answered otherwise than by Bitcoin Core. */
export async function buildOpenChain(node: TestNode): Promise<string[]> {
  const wrong: string[] = [];
  for (const step of testLines<Step>("chains/open-1/blocks.jsonl.gz")) {
    if (step.op === "setmocktime") await node.call("setmocktime", step.time);
    if (step.op !== "submitblock" && step.op !== "submitheader") continue;
    const answer = await node.answerTo(step.op, step.hex);
    const wanted = step.rpc_error ?? step.result ?? null;
    if (JSON.stringify(answer) !== JSON.stringify(wanted)) wrong.push(`${step.note}: ${JSON.stringify(answer)}`);
  }
  return wrong;
}
