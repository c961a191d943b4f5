import { expect, test } from "vitest";
import { signedSpend } from "../../src/core/bench/signed-spends.ts";
import { STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import { type Part, packedLength, unpackPart } from "../../src/core/verify/part.ts";
import { Portion, portionLength } from "../../src/core/verify/portion.ts";

const parts = [1, 2, 3, 1].map((inputs, seed): Part => {
  const { tx, spent } = signedSpend(seed % 2 === 0 ? "P2WPKH" : "P2TR key path", inputs, seed);
  return {
    tx,
    spent: spent.map((one, i) => ({ ...one, value: one.value + i * 2 ** 40 })),
    flags: STANDARD_FLAGS,
    from: seed > 1 ? 1 : 0,
    to: inputs,
  };
});

function filled(parts: readonly Part[]): Portion {
  const portion = new Portion(new SharedArrayBuffer(portionLength(parts)));
  portion.fill(parts);
  return portion;
}

test("parts come out on another thread's side as they went in", () => {
  const other = new Portion(filled(parts).memory);
  const stage = new Uint8Array(8);
  for (const part of parts) {
    const index = other.take()!;
    const [bytes, length] = other.copy(index, stage);
    expect(length).toBe(packedLength(part));
    const found = unpackPart(bytes, length);
    expect({ ...found, tx: undefined, spent: undefined }).toEqual({ ...part, tx: undefined, spent: undefined });
    expect(found.tx.raw).toEqual(part.tx.raw);
    expect(found.spent.map(({ value, script }) => ({ value, script: Buffer.from(script) }))).toEqual(
      part.spent.map(({ value, script }) => ({ value, script: Buffer.from(script) })),
    );
  }
  expect(other.take()).toBeUndefined();
});

test("parts of any length fit", () => {
  for (let length = 0; length < 4; length++) {
    const [part] = parts;
    const longer = { ...part!, spent: [{ value: 1, script: new Uint8Array(length) }] };
    const portion = filled([longer]);
    const [bytes, end] = portion.copy(portion.take()!, new Uint8Array(0));
    expect(unpackPart(bytes, end).spent[0]!.script).toHaveLength(length);
  }
});

test("each part is taken once, whoever asks", () => {
  const { memory } = filled(parts);
  const [a, b] = [new Portion(memory), new Portion(memory)];
  expect([a.take(), b.take(), b.take(), a.take(), a.take(), b.take()]).toEqual([0, 1, 2, 3, undefined, undefined]);
});

test("a verdict is there when its part is done, not before", () => {
  const portion = filled(parts);
  const other = new Portion(portion.memory);
  other.take();
  other.take();
  expect(portion.isDone(1), "taken, not done").toBe(false);
  other.settle(1, { input: 1, error: "NULLFAIL" });
  other.settle(0, undefined);
  expect([0, 1, 2, 3].map((index) => portion.isDone(index))).toEqual([true, true, false, false]);
  expect(portion.verdict(0)).toBeUndefined();
  expect(portion.verdict(1)).toEqual({ input: 1, error: "NULLFAIL" });
});

test("a dropped part is passed over, one that is done keeps its verdict", () => {
  const portion = filled(parts);
  const other = new Portion(portion.memory);
  other.settle(other.take()!, { input: 0, error: "EVAL_FALSE" });
  for (const index of [0, 1, 3]) portion.drop(index);
  expect(other.take()).toBe(2);
  expect(other.take()).toBeUndefined();
  expect(portion.verdict(0)).toEqual({ input: 0, error: "EVAL_FALSE" });
  expect(portion.isDone(1)).toBe(false);
});

test("memory is used again for other parts", () => {
  const portion = filled(parts);
  while (portion.take() !== undefined);
  portion.settle(0, { input: 0, error: "EVAL_FALSE" });
  portion.fill(parts.slice(1, 3));
  expect(portion.isDone(0)).toBe(false);
  const [bytes, length] = portion.copy(portion.take()!, new Uint8Array(0));
  expect(unpackPart(bytes, length).tx.txid).toBe(parts[1]!.tx.txid);
  expect([portion.take(), portion.take()]).toEqual([1, undefined]);
});
