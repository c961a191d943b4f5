import fc from "fast-check";
import { expect, test } from "vitest";
import { compactSizeLength } from "../../src/core/encoding/compact-size.ts";
import { hash160, sha256, sha256d, taggedHash } from "../../src/core/encoding/hash.ts";
import { bytesToHex, fromDisplayHash, hexToBytes, isHex, toDisplayHash } from "../../src/core/encoding/hex.ts";
import { merkleBranch, merkleRoot, merkleRootFromBranch } from "../../src/core/encoding/merkle.ts";
import { DecodeError, LENGTH_MAX, Reader } from "../../src/core/encoding/reader.ts";
import { Writer } from "../../src/core/encoding/writer.ts";

test("what is written is read back", () => {
  const int64 = fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 });
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.nat(65535),
      fc.nat(2 ** 31 - 1),
      int64,
      fc.nat(LENGTH_MAX),
      fc.uint8Array(),
      (a, b, c, d, e, f) => {
        const bytes = new Writer(1).u8(a).u16(b).u32(c).i32(-c).i64(d).compactSize(e).varBytes(f).finish();
        const reader = new Reader(bytes);
        expect([reader.u8(), reader.u16(), reader.u32(), reader.i32(), reader.i64(), reader.compactSize()]).toEqual([
          a,
          b,
          c,
          0 - c,
          d,
          e,
        ]);
        expect(bytesToHex(reader.varBytes())).toBe(bytesToHex(f));
        reader.finish();
      },
    ),
  );
});

test("a length in a longer form than needed, and one above 32 MiB, are refused with their offset", () => {
  const cases: [string, string][] = [
    ["fdfc00", "decode-non-canonical"],
    ["feffff0000", "decode-non-canonical"],
    ["ffffffffff00000000", "decode-non-canonical"],
    ["fe01000002", "decode-oversized"],
    ["ffffffffffffffffff", "decode-oversized"],
    ["fd01", "decode-truncated"],
    ["", "decode-truncated"],
  ];
  for (const [hex, code] of cases) {
    const bytes = hexToBytes(`00${hex}`);
    const reader = new Reader(bytes, 1);
    try {
      reader.compactSize();
      expect.fail(`${hex} was read`);
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
      expect([(error as DecodeError).code, (error as DecodeError).offset >= 1]).toEqual([code, true]);
    }
  }
});

test("the length of a length is where the forms change", () => {
  expect([0, 252, 253, 65535, 65536, 0xffffffff, 0x100000000].map(compactSizeLength)).toEqual([1, 1, 3, 3, 5, 5, 9]);
});

test("hex refuses odd lengths and other characters, display order is reversed", () => {
  expect([isHex("0aF3"), isHex("0"), isHex("zz"), isHex("")]).toEqual([true, false, false, true]);
  expect(() => hexToBytes("abc")).toThrow(DecodeError);
  expect(() => hexToBytes("abxx")).toThrow(/position 2/);
  expect(() => fromDisplayHash("00")).toThrow(/64 hex digits/);
  const hash = `${"00".repeat(31)}ff`;
  expect(fromDisplayHash(hash)[0]).toBe(0xff);
  expect(toDisplayHash(fromDisplayHash(hash))).toBe(hash);
});

test("hashes agree with published values", () => {
  const abc = Buffer.from("abc");
  expect(bytesToHex(sha256(abc))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); // FIPS 180-4
  expect(bytesToHex(sha256d(Buffer.from("hello")))).toBe("9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
  expect(bytesToHex(hash160(Buffer.alloc(0)))).toBe("b472a266d0bd89c13706a4132ccfb16f7c3b9fcb");
  const tag = sha256(Buffer.from("TapLeaf"));
  expect(bytesToHex(taggedHash("TapLeaf", abc))).toBe(bytesToHex(sha256(Buffer.concat([tag, tag, abc]))));
});

/** The tree as the definition says it, for comparison. */
function slowRoot(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  const parents: Uint8Array[] = [];
  for (let i = 0; i < leaves.length; i += 2) parents.push(sha256d(Buffer.concat([leaves[i]!, leaves[i + 1] ?? leaves[i]!])));
  return slowRoot(parents);
}

test("roots and branches agree with the definition for every number of leaves up to 70", () => {
  for (let count = 1; count <= 70; count++) {
    const leaves = Array.from({ length: count }, (_, i) => sha256(Uint8Array.of(i)));
    const joined = Buffer.concat(leaves);
    const { root, mutated } = merkleRoot(joined);
    expect([bytesToHex(root), mutated]).toEqual([bytesToHex(slowRoot(leaves)), false]);
    for (const index of [0, count >> 1, count - 1]) {
      const branch = merkleBranch(joined, index);
      expect(bytesToHex(merkleRootFromBranch(leaves[index]!, branch, index))).toBe(bytesToHex(root));
    }
  }
});

test("repeating the last leaves keeps the root and is reported as a mutation (CVE-2012-2459)", () => {
  const leaves = Array.from({ length: 6 }, (_, i) => sha256(Uint8Array.of(i)));
  const good = merkleRoot(Buffer.concat(leaves));
  const bad = merkleRoot(Buffer.concat([...leaves, leaves[4]!, leaves[5]!]));
  expect(bytesToHex(bad.root)).toBe(bytesToHex(good.root));
  expect([good.mutated, bad.mutated]).toEqual([false, true]);
});
