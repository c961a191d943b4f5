import { toDisplayHash } from "../encoding/hex.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { type ScriptError, scriptErrorText } from "../script/script-error.ts";
import type { Candidate } from "./evaluate.ts";
import { type Rejection, rejected } from "./rejection.ts";

declare const scripts: unique symbol;
/** A candidate whose scripts hold under the standard flags; made by withScripts only. */
export type VerifiedCandidate = Candidate & { readonly [scripts]: true };

/** What a verifier says of a candidate's scripts (run under STANDARD_FLAGS, also where nonstandard forms are let in), as the next stage or a rejection. */
export function withScripts(
  candidate: Candidate,
  failure: { readonly input: number; readonly error: ScriptError } | undefined,
): VerifiedCandidate | Rejection {
  return failure === undefined ? (candidate as VerifiedCandidate) : scriptRejection(candidate.tx, failure.input, failure.error);
}

function scriptRejection(tx: Transaction, input: number, error: ScriptError): Rejection {
  const at = tx.prevoutOffset(input);
  const vout = new DataView(tx.raw.buffer, tx.raw.byteOffset).getUint32(at + 32, true);
  const spending = `${toDisplayHash(tx.raw, at)}:${vout}`;
  return rejected(
    "policy",
    `mempool-script-verify-flag-failed (${scriptErrorText(error)})`,
    `input ${input} of ${tx.txid} (wtxid ${tx.wtxid}), spending ${spending}`,
  );
}
