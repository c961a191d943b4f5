import { REGTEST } from "../../src/core/consensus/params.ts";
import { MemoryChain } from "./memory-chain.ts";
import { testLines } from "./test-data.ts";

/** One line of chains/open-1 (its README names the fields). */
export interface Step {
  readonly op: string;
  readonly note?: string;
  readonly hex?: string;
  readonly txid?: string;
  readonly wtxid?: string;
  /** The whole parameter list of a malformed call. */
  readonly params_raw?: readonly unknown[];
  readonly tips?: unknown;
  readonly time?: number;
  readonly result?: unknown;
  readonly rpc_error?: { readonly code: number; readonly message: string } | null;
  readonly tip?: string;
  readonly allowed?: boolean;
  readonly reject?: string | null;
  readonly reject_details?: string;
  readonly vsize?: number;
  readonly fee?: string;
  readonly params?: readonly unknown[];
  readonly package?: readonly string[];
  readonly txids?: readonly string[];
  readonly size?: number;
  readonly bytes?: number;
  readonly total_fee?: number;
}

export function openSteps(name: "blocks.jsonl.gz" | "mempool.jsonl.gz" | "mempool-nonstd.jsonl"): readonly Step[] {
  return testLines<Step>(`chains/open-1/${name}`);
}

/** The chain at the end of part A, built from the blocks that Bitcoin Core took; no scripts are run. */
export function buildOpenChain(): MemoryChain {
  const chain = new MemoryChain(REGTEST);
  for (const step of openSteps("blocks.jsonl.gz")) {
    if (step.op === "setmocktime") chain.nowSeconds = step.time!;
    if (step.op === "submitheader" && step.hex!.length === 160) chain.submitHeader(Buffer.from(step.hex!, "hex"));
    const isTaken = step.op === "submitblock" && !step.rpc_error && (step.result === null || step.result === "inconclusive");
    if (isTaken) chain.submit(Buffer.from(step.hex!, "hex"));
  }
  return chain;
}
