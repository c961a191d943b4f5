import { expect, test } from "vitest";
import { KeyMap } from "../../src/core/coins/key-map.ts";
import { sha256 } from "../../src/core/encoding/hash.ts";

const keys = Array.from({ length: 1000 }, (_, n) => sha256(Uint8Array.of(n, n >>> 8)));

test("keys are numbered in the order in which they come, and found wherever they stand", () => {
  const map = new KeyMap(32);
  for (const [n, key] of keys.entries()) {
    expect(map.find(key, 0)).toBe(-1);
    expect(map.findOrAdd(key, 0)).toBe(n);
    expect(map.findOrAdd(key, 0), "a second time").toBe(n);
  }
  expect(map.size).toBe(keys.length);
  for (const [n, key] of keys.entries()) {
    const shifted = new Uint8Array([1, 2, 3, ...key]);
    expect(map.find(shifted, 3)).toBe(n);
    expect(map.key(n)).toEqual(key);
  }
});

test("keys that differ in one byte only are different keys", () => {
  const map = new KeyMap(36);
  const key = new Uint8Array(36);
  map.findOrAdd(key, 0);
  for (let at = 0; at < 36; at++) {
    const other = key.slice();
    other[at] = 1;
    expect(map.findOrAdd(other, 0)).toBe(at + 1);
  }
});

test("what was cleared is not found, and numbers begin again", () => {
  const map = new KeyMap(32);
  for (const key of keys) map.findOrAdd(key, 0);
  map.clear();
  expect(map.size).toBe(0);
  for (const key of keys) expect(map.find(key, 0)).toBe(-1);
  expect(map.findOrAdd(keys[7]!, 0)).toBe(0);
  expect(map.find(keys[8]!, 0)).toBe(-1);
});
