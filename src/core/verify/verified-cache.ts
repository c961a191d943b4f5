import type { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";

/**
 * Which transactions have passed, and under which flags. A wtxid fixes scripts and signatures, the outpoints within it fix
 * what is spent, and what passes under some flags passes under fewer: so connecting a block checks nothing again that the
 * pool has checked. Failures are not remembered. The oldest entries go first.
 */
export class VerifiedCache {
  readonly #entriesMax: number;
  /** By the 32 bytes of the wtxid as latin1 text. */
  readonly #flags = new Map<string, ScriptFlags>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#flags.size;
  }

  has(tx: Transaction, flags: ScriptFlags): boolean {
    return this.#flags.size > 0 && isWithin(this.#flags.get(keyOf(tx)), flags);
  }

  /** Keeps one set of flags an entry: the one that says more, else the newer one. */
  add(tx: Transaction, flags: ScriptFlags): void {
    if (this.#entriesMax === 0) return;
    const key = keyOf(tx);
    const passed = this.#flags.get(key);
    if (isWithin(passed, flags)) return;
    if (passed !== undefined) this.#flags.delete(key);
    this.#flags.set(key, flags);
    if (this.#flags.size > this.#entriesMax) this.#flags.delete(this.#flags.keys().next().value!);
  }
}

function isWithin(passed: ScriptFlags | undefined, flags: ScriptFlags): boolean {
  return passed !== undefined && (passed & flags) === flags;
}

function keyOf({ wtxidBytes }: Transaction): string {
  return Buffer.from(wtxidBytes.buffer, wtxidBytes.byteOffset, wtxidBytes.length).toString("latin1");
}
