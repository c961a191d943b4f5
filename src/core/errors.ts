/** Words that scripts may match on; the exit code of a command follows from them (bin/run.js, src/base.ts). */
export type ErrorCode = string;

/**
 * The world failed: a disk, a socket, a peer, a lock's time limit, or what a user typed.
 * `message` is one sentence for a person: what, where, what to do. `code` is kebab-case and stable.
 */
export class ChainCoreError extends Error {
  readonly code: ErrorCode;
  /** Evidence for programs: paths, sizes, offsets. No secrets. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { detail?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** We failed: a broken promise inside the program. Nobody catches it; the process stops. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** @throws AssertionError when `condition` is false. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends a switch over a closed union: the compiler refuses a case that is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
