/** What the core needs from the outside world, as types. Implementations arrive through constructors; node/node.ts builds them. */

/** Wall time and a clock that never steps back. `setmocktime` replaces `nowMs` only. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump either way. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never decreases. For durations and timeouts. */
  monotonicMs(): number;
}

/** Cryptographically secure randomness. */
export interface Entropy {
  bytes(count: number): Uint8Array;
}

/** A sink for log lines. `fields` are data, `message` is a constant sentence; secrets go in neither. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
