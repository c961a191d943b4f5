import { ChainCoreError } from "./core/errors.ts";

/** Exit statuses that scripts rely on; every other failure is 1. Usage errors (2) and unknown commands (127) come from oclif. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  usage: 2,
  "log-level": 2,
  "bench-suite": 2,
  "bad-address": 2,
  "bad-amount": 2,
  "chain-spec": 2,
  "bad-fault": 2,
  "bad-peer-url": 2,
  "peer-token-needed": 2,
  "tls-files-needed": 2,
  "bad-mnemonic": 2,
  "bad-session-name": 2,
  "bad-node-name": 2,
  "bad-snapshot-name": 2,
  "unknown-network": 2,
  "stratum-address": 2,
  "no-such-kernel": 2,
  "verify-range": 2,
  "no-node-running": 69,
  "bad-environment": 78,
  "bad-certificate": 78,
  interrupted: 130,
};

/** What the system says of a disk, as a sentence with the way out. */
const DISK_SENTENCES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space, then try again",
  EDQUOT: "this user's disk quota is used up: free some space, then try again",
  EROFS: "the file system is read-only: choose another folder with --home",
  EIO: "the disk failed to read or write: check it before anything else",
  EMFILE: "too many files are open: raise the limit with `ulimit -n 4096`, then try again",
};

interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
}

export function exitStatusOf(error: unknown): number {
  if (error instanceof ChainCoreError) return STATUS_BY_CODE[error.code] ?? 1;
  return (error as OclifError | undefined)?.oclif?.exit ?? 1;
}

/** What a person reads on stderr: one line; empty where the error is only an exit status. */
export function sentenceOf(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EEXIT" || code === "interrupted") return "";
  if (withStack) return error.stack ?? error.message;
  const lines = error.message.split(/\s*\n\s*/).filter((part) => part !== "");
  const line = lines.at(-1) === USAGE_HINT ? usageSentence(lines.slice(0, -1)) : lines.join(" ");
  const disk = DISK_SENTENCES[code ?? ""];
  if (disk !== undefined && !(error instanceof ChainCoreError)) return `${disk} (${line})`;
  const known = error instanceof ChainCoreError || (error as OclifError).oclif !== undefined;
  return known ? line : `unexpected failure: ${line} (CHAINCORE_DEBUG=1 shows where)`;
}

/** The last line of oclif's messages about flags and arguments. */
const USAGE_HINT = "See more help with --help";

/** `--threads: expected an integer but received: x; --help shows more` */
function usageSentence(lines: readonly string[]): string {
  const [first = "", ...rest] = lines;
  const flag = /^Parsing (--\S+)$/.exec(first)?.[1];
  const named = rest.map((line) => line.replace(/^(\S+)\s{2,}(.+)$/, "$1 ($2)")).join(", ");
  const what = flag === undefined ? `${first} ${named}`.trim() : `${flag}: ${named}`;
  return `${what.replace(/(^|: )[A-Z](?=[a-z])/, (start) => start.toLowerCase())}; --help shows more`;
}

/** The same for programs: what `--json` prints on stdout in place of an answer. */
export function failureJson(error: unknown): {
  error: { code: string; message: string; detail: Readonly<Record<string, unknown>> };
} {
  const message = sentenceOf(error, false);
  if (error instanceof ChainCoreError) return { error: { code: error.code, message, detail: error.detail } };
  return { error: { code: exitStatusOf(error) === 2 ? "usage" : "failure", message, detail: {} } };
}
