/**
 * Parts in shared memory for all threads at once. A thread that is done with one takes the next, so that none rests while
 * another has a queue, and none waits for the main thread while parts are left.
 *
 * Words: how many parts have been taken, how many there are; then for each part its state, where its bytes begin, and its verdict
 * (an input and the index of its error); then where the bytes of the last one end. The bytes follow.
 *
 * The main thread fills it before it posts it, and fills it again only when every thread that it was posted to has reported or
 * has ended: who has taken what matters to nobody until then. A part whose thread ended is not done; the main thread gives it
 * out again.
 */

import { SCRIPT_ERRORS } from "../script/script-error.ts";
import type { ScriptFailure } from "../script/verify-input.ts";
import { type Part, packedLength, packPart } from "./part.ts";

const TAKEN = 0;
const COUNT = 1;
const PARTS = 2;

/** Words of a part. */
const STATE = 0;
const START = 1;
const INPUT = 2;
const ERROR = 3;
const PART_WORDS = 4;

const OPEN = 0;
const DONE = 1;
/** Nobody wants the verdict any more. */
const DROPPED = 2;

/** Bytes that a portion of these parts takes, in whole words. */
export function portionLength(parts: readonly Part[]): number {
  let length = headLength(parts.length);
  for (const part of parts) length += packedLength(part);
  return Math.ceil(length / 4) * 4;
}

/** Bytes in front of the packed parts. */
export function headLength(parts: number): number {
  return (PARTS + parts * PART_WORDS + START + 1) * 4;
}

/** One such memory as a thread sees it. */
export class Portion {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** Main thread: writes `parts`, which fit (portionLength), over what stood here. */
  fill(parts: readonly Part[]): void {
    const view = new DataView(this.memory);
    let at = headLength(parts.length);
    this.#words[TAKEN] = 0;
    this.#words[COUNT] = parts.length;
    for (const [index, part] of parts.entries()) {
      this.#words[wordOf(index, STATE)] = OPEN;
      this.#words[wordOf(index, START)] = at;
      packPart(part, this.#bytes, view, at);
      at += packedLength(part);
    }
    this.#words[wordOf(parts.length, START)] = at;
  }

  /** Any thread: the next part for it alone; undefined when all are taken. */
  take(): number | undefined {
    for (;;) {
      const index = Atomics.add(this.#words, TAKEN, 1);
      if (index >= this.#words[COUNT]!) return undefined;
      if (Atomics.load(this.#words, wordOf(index, STATE)) === OPEN) return index;
    }
  }

  /** Copies the bytes of a part to `target`, which is given back, or a longer one in its place; and their number. */
  copy(index: number, target: Uint8Array): readonly [bytes: Uint8Array, length: number] {
    const start = this.#words[wordOf(index, START)]!;
    const end = this.#words[wordOf(index + 1, START)]!;
    const bytes = target.length < end - start ? new Uint8Array(2 * (end - start)) : target;
    bytes.set(this.#bytes.subarray(start, end));
    return [bytes, end - start];
  }

  /** The thread that took it: what came of it. */
  settle(index: number, verdict: ScriptFailure | undefined): void {
    this.#words[wordOf(index, INPUT)] = verdict?.input ?? -1;
    this.#words[wordOf(index, ERROR)] = verdict === undefined ? 0 : SCRIPT_ERRORS.indexOf(verdict.error);
    Atomics.store(this.#words, wordOf(index, STATE), DONE);
  }

  /** Main thread: whoever has not begun it need not. */
  drop(index: number): void {
    Atomics.compareExchange(this.#words, wordOf(index, STATE), OPEN, DROPPED);
  }

  isDone(index: number): boolean {
    return Atomics.load(this.#words, wordOf(index, STATE)) === DONE;
  }

  /** Of a part that is done. */
  verdict(index: number): ScriptFailure | undefined {
    const input = this.#words[wordOf(index, INPUT)]!;
    return input < 0 ? undefined : { input, error: SCRIPT_ERRORS[this.#words[wordOf(index, ERROR)]!]! };
  }
}

function wordOf(index: number, word: number): number {
  return PARTS + index * PART_WORDS + word;
}
