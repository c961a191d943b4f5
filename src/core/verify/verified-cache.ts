import type { Wtxid } from "../primitives/units.ts";
import type { ScriptFlags } from "../script/flags.ts";

/**
 * Which transactions have passed, and under which flags. A wtxid fixes scripts and signatures, the outpoints within it fix
 * what is spent, and what passes under some flags passes under fewer: so connecting a block checks nothing again that the
 * pool has checked. Failures are not remembered. The oldest entries go first.
 */
export class VerifiedCache {
  readonly #entriesMax: number;
  readonly #flags = new Map<Wtxid, ScriptFlags>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#flags.size;
  }

  has(wtxid: Wtxid, flags: ScriptFlags): boolean {
    const passed = this.#flags.get(wtxid);
    return passed !== undefined && (passed & flags) === flags;
  }

  /** Keeps one set of flags an entry: the one that says more, else the newer one. */
  add(wtxid: Wtxid, flags: ScriptFlags): void {
    if (this.#entriesMax === 0 || this.has(wtxid, flags)) return;
    this.#flags.delete(wtxid);
    this.#flags.set(wtxid, flags);
    if (this.#flags.size > this.#entriesMax) this.#flags.delete(this.#flags.keys().next().value!);
  }
}
