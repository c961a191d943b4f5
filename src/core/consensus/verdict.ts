/** Why a block, header or transaction is refused, in Bitcoin Core's words. A verdict is a value: nobody throws it. */
export interface Invalid {
  /** Core's reject reason, such as `bad-cb-amount`; what RPC callers and tests match on. */
  readonly code: string;
  /** Core's debug text, or "" where it gives none. */
  readonly detail: string;
  /**
   * The body may not be the one that the header's miner made (a merkle or witness mutation):
   * the block's hash must not be marked as invalid, another body with the same hash may be good.
   */
  readonly bodyMutated?: true;
}

export function invalid(code: string, detail = ""): Invalid {
  return { code, detail };
}

/** A verdict on a body that does not condemn the block's hash. */
export function mutated(code: string, detail: string): Invalid {
  return { code, detail, bodyMutated: true };
}

/** Tells a verdict from a result that carries values. */
export function isInvalid<T extends object>(result: T | Invalid): result is Invalid {
  return "code" in result && "detail" in result;
}

/** As Core prints it: the reason, then the debug text after a comma where there is one. */
export function verdictText(verdict: Invalid): string {
  return verdict.detail === "" ? verdict.code : `${verdict.code}, ${verdict.detail}`;
}
