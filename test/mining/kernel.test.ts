import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createScanner, type KernelName, LANES } from "../../src/core/mining/kernel.ts";
import { bestKernel, kernelModule, kernelNames } from "../../src/core/mining/kernel-module.ts";
import { nativeKernelNames } from "../../src/core/mining/native-kernel.ts";
import { hashToNumber } from "../../src/core/primitives/target.ts";
import { seededBytes } from "../support/seeded.ts";
import { KNOWN_HEADERS } from "./known-headers.ts";

const DIFFICULTY_1 = 0xffffn << 208n;

function nonceOf(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(76, true);
}

/** sha256d by node:crypto, apart from everything under test. */
function hashNumber(header: Uint8Array, nonce: number): bigint {
  const copy = new Uint8Array(header);
  new DataView(copy.buffer).setUint32(76, nonce, true);
  const once = createHash("sha256").update(copy).digest();
  return hashToNumber(createHash("sha256").update(once).digest());
}

test("the generated kernel runs here", () => {
  expect(kernelModule()).toBeDefined();
  expect(kernelNames()).toContain(bestKernel());
  expect(bestKernel()).not.toBe("node-crypto");
});

test("every native kernel that was built and that this processor can run hashes rightly", () => {
  expect(kernelNames()).toEqual(expect.arrayContaining(nativeKernelNames()));
});

// Native kernels are among them where they were built.
describe.each<KernelName>(kernelNames())("%s", (kernel) => {
  const scanner = createScanner(kernelModule(), kernel);

  test.each(KNOWN_HEADERS)("finds the nonce of $name in every lane", ({ header }) => {
    const nonce = nonceOf(header);
    scanner.setHeader(header);
    for (let lane = 0; lane < 2 * 16; lane++) {
      expect(scanner.find(nonce - lane, 256, DIFFICULTY_1), `${lane} nonces before it`).toBe(nonce);
    }
    expect(scanner.find(nonce + 1, 256, DIFFICULTY_1)).toBeUndefined();
  });

  test("on random headers hits exactly at the least hash and misses one below it", () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
    const random = seededBytes(seed);
    for (let round = 0; round < 300; round++) {
      const header = random(80);
      const start = (nonceOf(header) & 0xfffffff) + (round % LANES);
      const count = 1 + (round % 37);
      const hashes = Array.from({ length: count }, (_, index) => hashNumber(header, start + index));
      const least = hashes.reduce((a, b) => (a < b ? a : b));
      scanner.setHeader(header);
      expect(scanner.find(start, count, least), `seed ${seed} round ${round}`).toBe(start + hashes.indexOf(least));
      expect(scanner.find(start, count, least - 1n), `seed ${seed} round ${round}`).toBeUndefined();
    }
  });

  test("does not report a nonce beyond the end of what it was asked to try", () => {
    const { header } = KNOWN_HEADERS[0]!;
    const nonce = nonceOf(header);
    scanner.setHeader(header);
    for (let count = 1; count <= 16; count++) expect(scanner.find(nonce - count, count, DIFFICULTY_1)).toBeUndefined();
  });

  test("tries the last nonce of all", () => {
    const { header } = KNOWN_HEADERS[1]!;
    const last = 0xffffffff;
    const target = hashNumber(header, last);
    scanner.setHeader(header);
    const before = Array.from({ length: 3 }, (_, index) => hashNumber(header, last - 3 + index)).filter((hash) => hash <= target);
    if (before.length === 0) expect(scanner.find(last - 3, 4, target)).toBe(last);
    expect(scanner.find(last, 1, target)).toBe(last);
  });
});
