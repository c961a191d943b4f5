import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { INITIAL_STATE, ROUND_CONSTANTS } from "../../src/core/encoding/sha256-constants.ts";
import { compress, Graph, type GraphNode, hashOfHash, initialState, padding } from "../../src/core/encoding/sha256-graph.ts";

test("the constants are those that FIPS 180-4 lists", () => {
  const initial = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
  expect(INITIAL_STATE).toEqual(initial);
  expect(ROUND_CONSTANTS.slice(0, 4)).toEqual([0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5]);
  expect(ROUND_CONSTANTS.at(-1)).toBe(0xc67178f2);
});

test("a graph over constants folds to the hash itself", () => {
  const g = new Graph();
  const abc = [g.const(0x61626380), ...Array.from({ length: 14 }, () => g.const(0)), g.const(24)];
  const words = compress(g, initialState(g), abc);
  expect(words.every((word) => word.time === "const")).toBe(true);
  const hex = words.map((word) => word.n.toString(16).padStart(8, "0")).join("");
  expect(hex).toBe(createHash("sha256").update("abc").digest("hex"));
});

test("what does not depend on the nonce is not left in the loop, nor is what the last word does not need", () => {
  const inLoop = (headerTime: "job" | "lane", words: (hash: GraphNode[]) => GraphNode[]) => {
    const g = new Graph();
    const header = [...g.inputs(headerTime, 19), g.input("lane", 19)];
    const midstate = compress(g, initialState(g), header.slice(0, 16));
    const first = compress(g, midstate, [...header.slice(16), ...padding(g, 4, 80)]);
    return g.needed(words(hashOfHash(g, first))).filter((node) => node.time === "lane").length;
  };
  const everything = inLoop("lane", (hash) => hash);
  const wholeHash = inLoop("job", (hash) => hash);
  const lastWord = inLoop("job", (hash) => hash.slice(7));
  expect(wholeHash).toBeLessThan((everything * 2) / 3); // One of three compressions, and the start of the second.
  expect(lastWord).toBeLessThan(wholeHash - 60);
});
