import { bytesToHex, fromDisplayHash } from "../encoding/hex.ts";
import type { JobDraft } from "../mining/coordinator.ts";
import type { BlockTemplate } from "../mining/template.ts";

/**
 * Stratum V1 as stock miners speak it: one JSON object a line, both ways. A miner subscribes (and is told its extranonce1), authorizes
 * its workers, is told a difficulty and jobs, and submits shares. No text defines it; this follows slush0's description and what
 * cpuminer, cgminer and their heirs send.
 */

/** A line longer than this is no message: submit, the longest that a miner sends, takes about 200 bytes. */
export const LINE_BYTES_MAX = 16_384;
/** Bytes of extranonce2, which the miner rolls; extranonce1 takes the other half of the coinbase's eight. */
export const EXTRANONCE2_BYTES = 4;
const WORKER_NAME_MAX = 128;

/** Error numbers that miners know, with their usual texts. */
export const STRATUM_ERRORS = {
  other: [20, "Other/Unknown"],
  staleJob: [21, "Job not found (=stale)"],
  duplicate: [22, "Duplicate share"],
  lowDifficulty: [23, "Low difficulty share"],
  unauthorized: [24, "Unauthorized worker"],
  notSubscribed: [25, "Not subscribed"],
} as const satisfies Record<string, readonly [number, string]>;

export type StratumErrorName = keyof typeof STRATUM_ERRORS;

export type MessageId = string | number | null;

export interface Share {
  readonly worker: string;
  readonly jobId: string;
  /** As a number, as the coinbase holds it: little-endian bytes. */
  readonly extranonce2: number;
  readonly time: number;
  readonly nonce: number;
}

export type StratumRequest =
  | { readonly kind: "subscribe"; readonly id: MessageId; readonly session: string | undefined }
  | { readonly kind: "authorize"; readonly id: MessageId; readonly worker: string }
  | { readonly kind: "submit"; readonly id: MessageId; readonly share: Share }
  /** BIP310: asked for extensions, of which there are none here. */
  | { readonly kind: "configure"; readonly id: MessageId; readonly extensions: readonly string[] }
  | { readonly kind: "extranonce-subscribe"; readonly id: MessageId }
  /** A method that is not known, or parameters of a wrong type: answered with an error. */
  | { readonly kind: "wrong"; readonly id: MessageId; readonly why: string }
  /** Not even a message: the connection is of no use. */
  | { readonly kind: "malformed" };

/** Reads one line. Never throws: whatever a stranger sends is one of the cases. */
export function readRequest(line: string): StratumRequest {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return { kind: "malformed" };
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) return { kind: "malformed" };
  const { id = null, method, params = [] } = message as Record<string, unknown>;
  if (!(id === null || typeof id === "string" || typeof id === "number") || typeof method !== "string")
    return { kind: "malformed" };
  if (!Array.isArray(params)) return { kind: "wrong", id, why: "params must be a list" };
  return readMethod(id, method, params);
}

function readMethod(id: MessageId, method: string, params: readonly unknown[]): StratumRequest {
  switch (method) {
    case "mining.subscribe":
      return { kind: "subscribe", id, session: typeof params[1] === "string" ? params[1] : undefined };
    case "mining.authorize": {
      const [worker] = params;
      return isWorkerName(worker)
        ? { kind: "authorize", id, worker }
        : { kind: "wrong", id, why: "a worker name has 1 to 128 characters" };
    }
    case "mining.submit":
      return readSubmit(id, params);
    case "mining.configure":
      return {
        kind: "configure",
        id,
        extensions: Array.isArray(params[0]) ? params[0].filter((name) => typeof name === "string") : [],
      };
    case "mining.extranonce.subscribe":
      return { kind: "extranonce-subscribe", id };
    default:
      return { kind: "wrong", id, why: "unknown method" };
  }
}

function isWorkerName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= WORKER_NAME_MAX;
}

function readSubmit(id: MessageId, params: readonly unknown[]): StratumRequest {
  const [worker, jobId, extranonce2, time, nonce] = params;
  if (!isWorkerName(worker)) return { kind: "wrong", id, why: "a worker name has 1 to 128 characters" };
  if (typeof jobId !== "string" || jobId.length > 32) return { kind: "wrong", id, why: "a job id is a text" };
  const [rolled, seconds, found] = [hexWord(extranonce2), hexWord(time), hexWord(nonce)];
  if (rolled === undefined || seconds === undefined || found === undefined) {
    return { kind: "wrong", id, why: "extranonce2, time and nonce are 8 hex digits each" };
  }
  // Extranonce2 is written into the coinbase as it stands; here it is the number that a little-endian writer makes those bytes of.
  return { kind: "submit", id, share: { worker, jobId, extranonce2: swapped(rolled), time: seconds, nonce: found } };
}

function hexWord(value: unknown): number | undefined {
  return typeof value === "string" && /^[0-9a-fA-F]{8}$/.test(value) ? Number.parseInt(value, 16) : undefined;
}

function swapped(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

export function wordHex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

/** Extranonce1 as text: the bytes that a little-endian writer makes of the prefix. */
export function prefixHex(prefix: number): string {
  return wordHex(swapped(prefix));
}

export function resultLine(id: MessageId, result: unknown): string {
  return `${JSON.stringify({ id, result, error: null })}\n`;
}

export function errorLine(id: MessageId, name: StratumErrorName, text?: string): string {
  const [code, usual] = STRATUM_ERRORS[name];
  return `${JSON.stringify({ id, result: null, error: [code, text ?? usual, null] })}\n`;
}

export function difficultyLine(difficulty: number): string {
  return `${JSON.stringify({ id: null, method: "mining.set_difficulty", params: [difficulty] })}\n`;
}

/** @param clean whether work on earlier jobs is of no use any more */
export function notifyLine(jobId: string, template: BlockTemplate, job: JobDraft, clean: boolean): string {
  const params = [
    jobId,
    bytesToHex(wordsSwapped(fromDisplayHash(template.prevHash))),
    bytesToHex(job.coinbaseBefore),
    bytesToHex(job.coinbaseAfter),
    job.branch.map(bytesToHex),
    wordHex(template.version),
    wordHex(template.bits),
    wordHex(template.time),
    clean,
  ];
  return `${JSON.stringify({ id: null, method: "mining.notify", params })}\n`;
}

/** Stratum sends the parent's hash with the bytes of each four swapped; nobody remembers why. */
function wordsSwapped(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes).swap32();
}
