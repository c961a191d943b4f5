import type { Invalid } from "../consensus/verdict.ts";
import type { OutpointKey } from "../primitives/outpoint.ts";

/** Why a transaction does not get into the pool, with Core's words in `code` and `detail`. */
export interface Rejection extends Invalid {
  /**
   * consensus       no block will ever hold it in this form
   * policy          this pool does not want it
   * premature       not yet: a lock time, or a coinbase that is too young
   * known           the pool or the chain has it
   * missing-inputs  it spends what is not there: perhaps an orphan whose parent comes later
   * reconsiderable  its fee is too low alone; together with a child it may do
   */
  readonly kind: "consensus" | "policy" | "premature" | "known" | "missing-inputs" | "reconsiderable";
  /** With kind missing-inputs: the outputs that were not found. */
  readonly missing?: readonly OutpointKey[];
}

export function rejected(kind: Rejection["kind"], code: string, detail = ""): Rejection {
  return { kind, code, detail };
}

/** A consensus verdict as a rejection. */
export function asRejection(kind: Rejection["kind"], { code, detail }: Invalid): Rejection {
  return { kind, code, detail };
}
