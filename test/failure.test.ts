import { expect, test } from "vitest";
import { ChainCoreError } from "../src/core/errors.ts";
import { exitStatusOf, failureJson, sentenceOf } from "../src/failure.ts";

test("what the system says of a disk becomes a sentence with the way out", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  expect(sentenceOf(full, false)).toBe(
    "the disk is full: free some space, then try again (ENOSPC: no space left on device, write)",
  );
  expect(exitStatusOf(full)).toBe(1);
});

test("errors of ours are their own sentence and choose the exit status; others are called unexpected", () => {
  const ours = new ChainCoreError("no-node-running", "no node runs here");
  expect([sentenceOf(ours, false), exitStatusOf(ours)]).toEqual(["no node runs here", 69]);
  expect(failureJson(ours)).toEqual({ error: { code: "no-node-running", message: "no node runs here", detail: {} } });
  expect(sentenceOf(new TypeError("x is\n  undefined"), false)).toBe(
    "unexpected failure: x is undefined (CHAINCORE_DEBUG=1 shows where)",
  );
});

test.each([
  [
    "Parsing --threads \n\tExpected an integer but received: x\nSee more help with --help",
    "--threads: expected an integer but received: x",
  ],
  ["Nonexistent flag: --bogus\nSee more help with --help", "nonexistent flag: --bogus"],
  [
    "Missing 2 required args:\naddress  who receives\namount   how much\nSee more help with --help",
    "missing 2 required args: address (who receives), amount (how much)",
  ],
  [
    "Expected --kernel=foo to be one of: wasm-simd, node-crypto\nSee more help with --help",
    "expected --kernel=foo to be one of: wasm-simd, node-crypto",
  ],
])("what oclif says of a command line becomes one sentence: %j", (message, sentence) => {
  expect(sentenceOf(Object.assign(new Error(message), { oclif: { exit: 2 } }), false)).toBe(`${sentence}; --help shows more`);
});
