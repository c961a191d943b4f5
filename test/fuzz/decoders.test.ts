import fc from "fast-check";
import { expect, test } from "vitest";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { DecodeError } from "../../src/core/encoding/reader.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { decodeCoin, encodeCoin } from "../../src/core/primitives/coin.ts";
import { Header } from "../../src/core/primitives/header.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Height, Sats, Txid, UnixSeconds } from "../../src/core/primitives/units.ts";

const script = fc.uint8Array({ maxLength: 40 });
const txid = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex") as Txid);
const uint32 = fc.nat(0xffffffff);
const input = fc.record({ txid, vout: uint32, scriptSig: script, sequence: uint32, witness: fc.array(script, { maxLength: 3 }) });
const output = fc.record({ value: fc.integer({ min: -1, max: 2 ** 53 - 1 }).map((value) => value as Sats), script });
const fields = fc.record({
  version: uint32,
  inputs: fc.array(input, { minLength: 1, maxLength: 4 }),
  outputs: fc.array(output, { maxLength: 4 }),
  lockTime: uint32,
});
const transaction = fields.map((parts) => Transaction.build(parts));
const block = fc.array(transaction, { minLength: 1, maxLength: 4 }).map((transactions) => {
  const merkleRootBytes = new Uint8Array(32);
  const prevHash = "0".repeat(64) as never;
  return Block.build(
    Header.build({ version: 4, prevHash, merkleRootBytes, time: 1 as UnixSeconds, bits: 0x207fffff, nonce: 0 }),
    transactions,
  );
});

/** Decodes and touches every part; only a DecodeError may come out. */
function decodesOrRefuses(decode: () => { raw: Uint8Array }, bytes: Uint8Array): void {
  try {
    expect(Buffer.compare(decode().raw, bytes)).toBe(0);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
  }
}

function wholeTransaction(bytes: Uint8Array): Transaction {
  const tx = Transaction.decode(bytes);
  void [tx.inputs, tx.outputs, tx.txid, tx.wtxid, tx.weight, tx.isCoinbase, tx.version, tx.lockTime, tx.stripped()];
  return tx;
}

function wholeBlock(bytes: Uint8Array): Block {
  const decoded = Block.decode(bytes);
  void [decoded.hash, decoded.weight, decoded.header.prevHash, decoded.transactions.map((tx) => tx.inputs)];
  return decoded;
}

test("a transaction has the parts that it was built from", () => {
  fc.assert(
    fc.property(fields, (parts) => {
      const tx = Transaction.decode(Transaction.build(parts).raw);
      const plain = (value: unknown) =>
        JSON.stringify(value, (_, v) => (v instanceof Uint8Array ? Buffer.from(v).toString("hex") : v));
      expect(plain([tx.version, tx.inputs, tx.outputs, tx.lockTime])).toBe(
        plain([parts.version, parts.inputs, parts.outputs, parts.lockTime]),
      );
      expect(tx.stripped().length).toBe(tx.strippedSize);
    }),
  );
});

const decoders = [
  { name: "transaction", whole: wholeTransaction, good: transaction },
  { name: "block", whole: wholeBlock, good: block },
  { name: "header", whole: (bytes: Uint8Array) => Header.decode(bytes), good: block.map((b) => b.header) },
] as const;

for (const { name, whole, good } of decoders) {
  test(`random bytes as a ${name} are refused with an offset`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodesOrRefuses(() => whole(bytes), bytes)),
      { numRuns: 2000 },
    );
  });

  test(`a ${name} cut short, lengthened or with changed bytes is refused or read exactly`, () => {
    const edit = fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(good, fc.nat(10_000), edit, fc.uint8Array({ maxLength: 3 }), ({ raw }, cut, edits, tail) => {
        const bytes = Buffer.concat([raw.subarray(0, cut % 3 === 0 ? cut % (raw.length + 1) : raw.length), tail]);
        for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
        decodesOrRefuses(() => whole(bytes), bytes);
      }),
      { numRuns: 1000 },
    );
  });
}

test("every prefix of a transaction is refused as truncated", () => {
  fc.assert(
    fc.property(transaction, ({ raw }) => {
      for (let length = 0; length < raw.length; length++) {
        expect(() => Transaction.decode(raw.subarray(0, length))).toThrow(DecodeError);
      }
    }),
    { numRuns: 50 },
  );
});

test("markers without a witness and unknown flags are refused by name", () => {
  const input = `${"00".repeat(36)}00ffffffff`;
  expect(() => Transaction.decode(hexToBytes(`020000000001 01${input}00 00 00000000`.replaceAll(" ", "")))).toThrow(
    expect.objectContaining({ code: "decode-superfluous-witness" }),
  );
  expect(() => Transaction.decode(hexToBytes(`020000000003 01${input}00 0100 00000000`.replaceAll(" ", "")))).toThrow(
    expect.objectContaining({ code: "decode-unknown-flag" }),
  );
});

test("a count that promises more than the bytes hold ends at once", () => {
  expect(() => Transaction.decode(hexToBytes("02000000feffffff01"))).toThrow(DecodeError);
});

test("coins come back as they were", () => {
  const coin = fc.record({
    value: fc.nat(2 ** 50).map((value) => value as Sats),
    script,
    height: fc.nat(2 ** 31 - 1).map((value) => value as Height),
    isCoinbase: fc.boolean(),
  });
  fc.assert(
    fc.property(coin, (made) => {
      const bytes = encodeCoin(made);
      expect({ ...decodeCoin(bytes), script: Buffer.from(made.script) }).toEqual({ ...made, script: Buffer.from(made.script) });
      expect(() => decodeCoin(bytes.subarray(0, bytes.length - 1))).toThrow(DecodeError);
    }),
  );
});
