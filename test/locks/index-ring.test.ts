import fc from "fast-check";
import { expect, test } from "vitest";
import { IndexRing } from "../../src/core/locks/index-ring.ts";

test("a ring agrees with a list, also when its counters pass 2^31 and 2^32", () => {
  const operations = fc.array(fc.boolean(), { maxLength: 400 });
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 8, 64), fc.constantFrom(0, 0x7fffff00, -0x100), operations, (capacity, start, puts) => {
      const words = new Int32Array(new SharedArrayBuffer(4 * IndexRing.words(capacity)));
      const ring = new IndexRing(words, capacity);
      ring.initialise();
      moveCounters(words, capacity, start);
      const free = Array.from({ length: capacity }, (_, index) => index);
      const list: number[] = [];
      for (const put of puts) {
        if (put && free.length > 0) {
          list.push(free[0]!);
          ring.enqueue(free.shift()!);
        } else if (!put) {
          const got = ring.dequeue();
          expect(got).toBe(list.shift());
          if (got !== undefined) free.push(got);
        }
      }
    }),
  );
});

/** As if the ring had been used until head and tail stood at a multiple of its size near `start`. */
function moveCounters(words: Int32Array, capacity: number, start: number): void {
  const size = 2 * capacity;
  const position = start === 0 ? size : (start & ~(size - 1)) | 0;
  const indexBits = 32 - Math.clz32(size - 1);
  const previous = ((((position - size) | 0) >>> indexBits) << (indexBits + 1)) | 0;
  words[0] = position;
  words[16] = position;
  for (let entry = 48; entry < 48 + size; entry++) words[entry] = previous | (1 << indexBits) | (size - 1);
}
