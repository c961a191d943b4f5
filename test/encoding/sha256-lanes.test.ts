import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lanesAvailable, sha256dMessages, sha256dPairs } from "../../src/core/encoding/sha256-lanes.ts";

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

test("the generated kernels agree with node:crypto on this machine", () => {
  expect(lanesAvailable()).toBe(true);
});

test("pairs of any count are hashed as node:crypto hashes them", () => {
  for (const count of [0, 1, 3, 7, 8, 9, 10, 11, 64, 2_001]) {
    const nodes = Uint8Array.from({ length: 64 * count }, (_, index) => (index * index + count) & 255);
    const expected = Array.from({ length: count }, (_, at) => sha256(sha256(nodes.subarray(64 * at, 64 * at + 64))));
    expect(Buffer.compare(sha256dPairs(nodes, count), Buffer.concat(expected)), `${count} pairs`).toBe(0);
  }
});

test("messages of every length around the block limits are hashed as node:crypto hashes them", () => {
  const lengths = [...Array.from({ length: 200 }, (_, length) => length), 70_000];
  const messages = lengths.map((length) => Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 255));
  const expected = Buffer.concat(messages.map((message) => sha256(sha256(message))));
  expect(Buffer.compare(sha256dMessages(messages), expected)).toBe(0);
});

test("random messages in random order keep their places", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 40 }), (messages) => {
      const expected = Buffer.concat(messages.map((message) => sha256(sha256(message))));
      expect(Buffer.compare(sha256dMessages(messages), expected)).toBe(0);
    }),
    { numRuns: 50 },
  );
});
