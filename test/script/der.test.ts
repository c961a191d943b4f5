import { expect, test } from "vitest";
import { bytesToHex, hexToBytes } from "../../src/core/encoding/hex.ts";
import { checkSignatureEncoding, isStrictDer, lowerS, readDer } from "../../src/core/script/der.ts";
import { Flag } from "../../src/core/script/flags.ts";

const ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const HALF = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
const HALF_AND_ONE = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1";
/** r and s as numbers. */
const read = (hex: string) => {
  const compact = readDer(hexToBytes(hex));
  return compact && [compact.subarray(0, 32), compact.subarray(32)].map((half) => BigInt(`0x${bytesToHex(half)}`));
};

test("reads what OpenSSL once read: long lengths, padding, wrong outer lengths, bytes behind", () => {
  const plain = [0x11n, 0x22n];
  for (const [hex, what] of [
    ["3006020111020122", "strict DER"],
    ["30060201110201229999", "bytes behind"],
    ["3000020111020122", "a wrong outer length"],
    ["3080020111020122", "an outer length of no bytes"],
    ["308106020111020122", "a long outer length"],
    ["30080203000011020122", "padding"],
    ["300702810111020122", "a long length"],
    ["300a02840000000111020122", "zeros in front of a length"],
  ] as const) {
    expect(read(hex), what).toEqual(plain);
  }
  expect(read("30060200020122"), "a number of no bytes").toEqual([0n, 0x22n]);
  expect(read("30ff020111020122"), "an outer length of 127 bytes that are not there").toBeUndefined();
  expect(read("300a02840100000011020122"), "a length of four bytes").toBeUndefined();
});

test("refuses what has another tag, ends too early, or is out of range", () => {
  for (const bad of [
    "",
    "30",
    "3106020111020122",
    "3006030111020122",
    "30060201110301" + "22",
    "3006020111",
    "300602011102",
    "30060201110202" + "22",
  ]) {
    expect(read(bad), bad).toBeUndefined();
  }
  expect(read(`30260221${"00"}${ORDER}020122`)).toBeUndefined();
  expect(read(`30260220${ORDER.slice(0, -1)}0020122`), "one less").toBeDefined();
  expect(read(`30270222${"01".repeat(34)}020122`), "34 bytes").toBeUndefined();
});

test("strict DER is BIP66's form and no other", () => {
  const strict = (hex: string) => isStrictDer(hexToBytes(`${hex}01`));
  expect(strict("3006020111020122")).toBe(true);
  expect(strict("300702020080020122"), "a zero that keeps it positive").toBe(true);
  for (const bad of [
    "3106020111020122",
    "3005020111020122",
    "3006030111020122",
    "3006020111030122",
    "300602018102" + "0122",
    "300702020011020122",
    "3005020002" + "0122",
    "3006020111020182",
    "30070201110202" + "0022",
    "30050201110200",
    "300602011102012299",
  ]) {
    expect(strict(bad), bad).toBe(false);
  }
  expect(isStrictDer(hexToBytes("300602010102"))).toBe(false);
});

test("a high s is refused under LOW_S unless the numbers are out of range anyway, and can be lowered", () => {
  const signature = (r: string, s: string) => hexToBytes(`30440220${r}0220${s}01`);
  const r = "11".repeat(32);
  const check = (one: Uint8Array) => checkSignatureEncoding(one, Flag.LOW_S);
  expect(check(signature(r, HALF))).toBe("OK");
  expect(check(signature(r, HALF_AND_ONE))).toBe("SIG_HIGH_S");
  const overflow = hexToBytes(`30460221${"00"}${ORDER}0221${"00"}${ORDER}01`);
  expect(check(overflow)).toBe("OK");
  const compact = readDer(signature(r, HALF_AND_ONE))!;
  lowerS(compact);
  expect(bytesToHex(compact)).toBe(`${r}${HALF}`);
  lowerS(compact);
  expect(bytesToHex(compact), "once is enough").toBe(`${r}${HALF}`);
});

test("hash types are looked at under STRICTENC only, and the empty signature is always well-formed", () => {
  const signature = hexToBytes("300602011102012204");
  expect(checkSignatureEncoding(signature, Flag.STRICTENC)).toBe("SIG_HASHTYPE");
  expect(checkSignatureEncoding(signature, Flag.DERSIG)).toBe("OK");
  expect(checkSignatureEncoding(hexToBytes("00"), 0)).toBe("OK");
  expect(checkSignatureEncoding(hexToBytes("00"), Flag.DERSIG)).toBe("SIG_DER");
  expect(checkSignatureEncoding(new Uint8Array(0), Flag.DERSIG | Flag.LOW_S | Flag.STRICTENC)).toBe("OK");
});
