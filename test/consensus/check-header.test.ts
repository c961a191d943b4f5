import { expect, test } from "vitest";
import { checkHeader, checkHeaderInContext } from "../../src/core/consensus/check-header.ts";
import { type NetworkParams, REGTEST } from "../../src/core/consensus/params.ts";
import type { HeaderFields } from "../../src/core/primitives/header.ts";
import type { UnixSeconds } from "../../src/core/primitives/units.ts";
import { ancestry, solveHeader } from "../support/build-block.ts";

const START = 1_700_000_000;
/** Ten seconds apart; the median of the last eleven is 50 s before the tip. */
const parent = ancestry(Array.from({ length: 20 }, (_, i) => START + 10 * i));
const TIP_TIME = START + 190;

function code(fields: Partial<HeaderFields>, params: NetworkParams = REGTEST, now = TIP_TIME): string | undefined {
  return checkHeader(solveHeader({ time: TIP_TIME as UnixSeconds, ...fields }), parent, params, now)?.code;
}

test("a header that follows its parent passes", () => {
  expect(code({})).toBeUndefined();
});

test("the hash must meet a target that the network allows", () => {
  expect(code({ bits: 0x1d00ffff, nonce: 0 })).toBe("high-hash"); // A target that it does not meet.
  expect(code({ bits: 0x2100ffff, nonce: 0 })).toBe("high-hash"); // Easier than allowed.
  expect(code({ bits: 0x20ffffff, nonce: 0 })).toBe("high-hash"); // Negative.
  expect(code({ bits: 0xff7fffff, nonce: 0 })).toBe("high-hash"); // Overflow.
  expect(code({ bits: 0, nonce: 0 })).toBe("high-hash");
});

test("bits are the ones that the rule demands", () => {
  expect(code({ bits: 0x207ffffe })).toBe("bad-diffbits");
});

test("the time lies above the median of eleven before", () => {
  expect(code({ time: (TIP_TIME - 50) as UnixSeconds })).toBe("time-too-old");
  expect(code({ time: (TIP_TIME - 49) as UnixSeconds })).toBeUndefined();
});

test("the time lies two hours ahead of the clock at most", () => {
  expect(code({ time: (TIP_TIME + 7200) as UnixSeconds })).toBeUndefined();
  expect(code({ time: (TIP_TIME + 7201) as UnixSeconds })).toBe("time-too-new");
  expect(code({ time: (TIP_TIME + 16) as UnixSeconds }, { ...REGTEST, futureSecondsMax: 15 })).toBe("time-too-new");
});

test("versions end with the rules that they announced", () => {
  expect([4, 0x20000000, 0x7fffffff].map((version) => code({ version }))).toEqual([undefined, undefined, undefined]);
  expect(code({ version: 3 })).toBe("bad-version(0x00000003)");
  expect(code({ version: -1 })).toBe("bad-version(0xffffffff)");
  const young = { ...REGTEST, activation: { ...REGTEST.activation, bip65: 1000, bip66: 20, bip34: 20 } };
  expect([3, 2, 1].map((version) => code({ version }, young))).toEqual([
    undefined,
    "bad-version(0x00000002)",
    "bad-version(0x00000001)",
  ]);
});

test("BIP94 keeps the first block of a period from lying far before its parent", () => {
  const params: NetworkParams = { ...REGTEST, retarget: { kind: "period", intervalBlocks: 20 }, enforceTimewarpRule: true };
  const times = [...Array.from({ length: 19 }, (_, i) => START + i), START + 700];
  const verdict = (time: number, rules: NetworkParams) => {
    const header = solveHeader({ time: time as UnixSeconds });
    const last = ancestry(times);
    const bits = { ...header, bits: 0x207fffff };
    return checkHeaderInContext(bits as never, last, { ...rules, targetSpacingSeconds: 1 }, START + 800)?.code;
  };
  expect(verdict(START + 99, params)).toBe("time-timewarp-attack");
  expect(verdict(START + 100, params)).toBeUndefined();
  expect(verdict(START + 99, { ...params, enforceTimewarpRule: false })).toBeUndefined();
});
