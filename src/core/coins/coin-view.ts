import type { Coin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";
import type { Height, Sats } from "../primitives/units.ts";
import { BORN, CODE, DIED, KEY, KEY_WORDS, NONE, SCRIPT, SCRIPT_BYTES_MAX, SEED, VALUE_HIGH, VALUE_LOW } from "./layout.ts";
import { outpointOrder, scriptOrder } from "./order-hash.ts";
import { readScript, writeScript } from "./script-words.ts";
import { SplitList, type TableMemory } from "./split-list.ts";

/** 36 bytes of an outpoint, and its coin. The bytes are the caller's own. */
export type CoinEntry = readonly [outpoint: Uint8Array, coin: Coin];

/**
 * Lookups in the shared table by version; any thread, no lock. Whoever calls holds a lease of the version (snapshot.ts),
 * or is the writer, which alone frees records.
 */
export class CoinView {
  readonly memory: TableMemory;
  readonly byOutpoint: SplitList;
  readonly byScript: SplitList;
  readonly #seed0: number;
  readonly #seed1: number;
  /** The outpoint that is looked for, as words. */
  readonly #key = new Int32Array(KEY_WORDS);
  /** The script that is looked for, in the form of a record. */
  readonly #script = new Int32Array(SCRIPT + 2 + SCRIPT_BYTES_MAX / 4);

  constructor(memory: TableMemory) {
    this.memory = memory;
    this.byOutpoint = new SplitList(memory, 0);
    this.byScript = new SplitList(memory, 1);
    this.#seed0 = memory.control[SEED]!;
    this.#seed1 = memory.control[SEED + 1]!;
  }

  /** The record of the outpoint that stands in `bytes` at `offset`, as version `version` has it; or NONE. */
  find(bytes: Uint8Array, offset: number, version: number): number {
    let record = this.seekOutpoint(bytes, offset);
    while (record !== NONE && !(this.hasKey(record) && this.isVisible(record, version)))
      record = this.byOutpoint.nextEqual(record);
    return record;
  }

  /** The first record that may have this outpoint, in any version; go on with `byOutpoint.nextEqual`, ask `hasKey`. */
  seekOutpoint(bytes: Uint8Array, offset: number): number {
    const key = this.#key;
    for (let i = 0, at = offset; i < KEY_WORDS; i++, at += 4) {
      key[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    }
    return this.byOutpoint.seek(outpointOrder(key, 0, this.#seed0, this.#seed1));
  }

  /** Whether `record` has the outpoint that was sought last. */
  hasKey(record: number): boolean {
    const words = this.memory.records.words;
    const key = this.#key;
    for (let i = 0; i < KEY_WORDS; i++) if (words[record + KEY + i] !== key[i]) return false;
    return true;
  }

  /** Born at or before `version`, and not dead in it. `died` is loaded after all else that makes the record. */
  isVisible(record: number, version: number): boolean {
    const words = this.memory.records.words;
    return words[record + BORN]! <= version && version < Atomics.load(words, record + DIED);
  }

  /** The records of all coins that `script` has in `version`. Cost: the coins and dead versions of that script. */
  recordsOf(script: Uint8Array, version: number): readonly number[] {
    const records: number[] = [];
    if (script.length > SCRIPT_BYTES_MAX) return records;
    const wanted = this.#script;
    const count = writeScript(wanted, 0, script);
    const order = scriptOrder(wanted, SCRIPT, count, this.#seed0, this.#seed1);
    for (let record = this.byScript.seek(order); record !== NONE; record = this.byScript.nextEqual(record)) {
      if (this.#hasScript(record, count) && this.isVisible(record, version)) records.push(record);
    }
    return records;
  }

  /** Satoshis of the record's coin. */
  value(record: number): number {
    const words = this.memory.records.words;
    return words[record + VALUE_HIGH]! * 0x1_0000_0000 + (words[record + VALUE_LOW]! >>> 0);
  }

  /** `script` where the caller has a copy of it already. */
  coin(record: number, script = readScript(this.memory.records, record)): Coin {
    const words = this.memory.records.words;
    const code = words[record + CODE]! >>> 0;
    return {
      value: this.value(record) as Sats,
      script,
      height: (code >>> 1) as Height,
      isCoinbase: (code & 1) === 1,
    };
  }

  outpoint(record: number): Uint8Array {
    const at = (record + KEY) * 4;
    return this.memory.records.bytes.slice(at, at + OUTPOINT_LENGTH);
  }

  /** Fills in KEY and all that describes `coin` in the record at `record`; its orders too. Links and versions are the writer's. */
  orderOf(record: number): number {
    return outpointOrder(this.memory.records.words, record + KEY, this.#seed0, this.#seed1);
  }

  /** The script order of a record whose SCRIPT and payload take `count` words. */
  scriptOrderOf(record: number, count: number): number {
    return scriptOrder(this.memory.records.words, record + SCRIPT, count, this.#seed0, this.#seed1);
  }

  #hasScript(record: number, count: number): boolean {
    const words = this.memory.records.words;
    const wanted = this.#script;
    for (let i = SCRIPT; i < SCRIPT + count; i++) if (words[record + i] !== wanted[i]) return false;
    return true;
  }
}
