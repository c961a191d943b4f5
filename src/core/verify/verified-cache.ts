import { KeyMap } from "../coins/key-map.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";

/**
 * Which transactions have passed, and under which flags. A wtxid fixes scripts and signatures, the outpoints within it fix
 * what is spent, and what passes under some flags passes under fewer: so connecting a block checks nothing again that the
 * pool has checked. Failures are not remembered. The older half goes when the newer one is full, so that nothing is ever taken out
 * one by one.
 */
export class VerifiedCache {
  readonly #halfMax: number;
  #newer = new PassedHalf();
  #older = new PassedHalf();

  constructor(entriesMax: number) {
    this.#halfMax = Math.ceil(entriesMax / 2);
  }

  has(tx: Transaction, flags: ScriptFlags): boolean {
    if (this.#newer.size === 0) return false;
    const { wtxidBytes } = tx;
    return isWithin(this.#newer.find(wtxidBytes), flags) || isWithin(this.#older.find(wtxidBytes), flags);
  }

  add({ wtxidBytes }: Transaction, flags: ScriptFlags): void {
    if (this.#halfMax === 0) return;
    if (this.#newer.size >= this.#halfMax) {
      [this.#newer, this.#older] = [this.#older, this.#newer];
      this.#newer.clear();
    }
    this.#newer.add(wtxidBytes, flags);
  }
}

/** Flags by wtxid. */
class PassedHalf {
  readonly #wtxids = new KeyMap(32);
  readonly #flags: ScriptFlags[] = [];

  get size(): number {
    return this.#wtxids.size;
  }

  find(wtxidBytes: Uint8Array): ScriptFlags | undefined {
    const entry = this.#wtxids.find(wtxidBytes, 0);
    return entry < 0 ? undefined : this.#flags[entry];
  }

  /** Of two sets of flags keeps the one that says more, else the later one. */
  add(wtxidBytes: Uint8Array, flags: ScriptFlags): void {
    const { size } = this.#wtxids;
    const entry = this.#wtxids.findOrAdd(wtxidBytes, 0);
    if (entry === size || !isWithin(this.#flags[entry], flags)) this.#flags[entry] = flags;
  }

  clear(): void {
    this.#wtxids.clear();
  }
}

function isWithin(passed: ScriptFlags | undefined, flags: ScriptFlags): boolean {
  return passed !== undefined && (passed & flags) === flags;
}
