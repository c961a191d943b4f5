import fc from "fast-check";
import { expect, test } from "vitest";
import { compareFeeRates, type FeeFraction, improvesDiagram } from "../../src/core/mempool/fee-fraction.ts";
import { type LinearizeInput, linearize } from "../../src/core/mempool/linearize.ts";

function input(fee: number, size: number, ...parents: number[]): LinearizeInput {
  return { fee, size, parents, tieBreak: "" };
}

function members(inputs: readonly LinearizeInput[]): readonly (readonly number[])[] {
  return linearize(inputs.map((each, i) => ({ ...each, tieBreak: String.fromCharCode(97 + i) }))).map((chunk) => chunk.members);
}

test("a child that pays well takes its parent along", () => {
  expect(members([input(1, 10), input(100, 10, 0)])).toEqual([[0, 1]]);
  expect(members([input(100, 10), input(1, 10, 0)])).toEqual([[0], [1]]);
});

test("the better of two children is mined with the parent, the other behind", () => {
  expect(members([input(0, 10), input(30, 10, 0), input(90, 10, 0)])).toEqual([[0, 2], [1]]);
});

test("two poor parents share the child that pays for both", () => {
  expect(members([input(0, 10), input(0, 10), input(90, 10, 0, 1)])).toEqual([[0, 1, 2]]);
});

test("a chunk that was joined too early comes apart again", () => {
  // 0 <- 1 <- 3 and 0 <- 2: 3 pulls 1 and 0 up, 2 alone pays better on top of 0.
  expect(members([input(10, 10), input(0, 10, 0), input(40, 10, 0), input(45, 10, 1)])).toEqual([
    [0, 2],
    [1, 3],
  ]);
});

test("transactions of one rate stay chunks of their own", () => {
  expect(members([input(20, 10), input(40, 20, 0), input(10, 5, 1)])).toEqual([[0], [1], [2]]);
});

test("equals go by size, then by txid", () => {
  expect(members([input(20, 10), input(10, 5), input(10, 5)])).toEqual([[1], [2], [0]]);
});

/** Clusters with parents before children; fees and sizes small, so that equal rates happen. */
const clusters = (max: number) =>
  fc.array(fc.record({ fee: fc.nat(20), size: fc.integer({ min: 1, max: 5 }), links: fc.array(fc.nat(), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: max,
  });

function build(raw: readonly { fee: number; size: number; links: readonly number[] }[]): readonly LinearizeInput[] {
  return raw.map(({ fee, size, links }, i) => ({
    fee,
    size,
    parents: i === 0 ? [] : [...new Set(links.map((link) => link % i))],
    tieBreak: String(i).padStart(3, "0"),
  }));
}

function expectValid(inputs: readonly LinearizeInput[], chunks: ReturnType<typeof linearize>): void {
  const order = chunks.flatMap((chunk) => chunk.members);
  expect(order.toSorted((a, b) => a - b)).toEqual(inputs.map((_, i) => i));
  for (const [place, index] of order.entries()) {
    for (const parent of inputs[index]!.parents) expect(order.indexOf(parent)).toBeLessThan(place);
  }
  for (const chunk of chunks) {
    const sum = (pick: (each: LinearizeInput) => number) => chunk.members.reduce((total, i) => total + pick(inputs[i]!), 0);
    expect(chunk).toMatchObject({ fee: sum(({ fee }) => fee), size: sum(({ size }) => size) });
  }
  for (let i = 1; i < chunks.length; i++) expect(compareFeeRates(chunks[i - 1]!, chunks[i]!)).toBeGreaterThanOrEqual(0);
}

/** Chunks of one order: neighbours are joined while the later one pays more. */
function chunksOfOrder(inputs: readonly LinearizeInput[], order: readonly number[]): readonly FeeFraction[] {
  const chunks: { fee: number; size: number }[] = [];
  for (const index of order) {
    let { fee, size } = inputs[index]!;
    while (chunks.length > 0 && compareFeeRates(chunks.at(-1)!, { fee, size }) < 0) {
      const last = chunks.pop()!;
      fee += last.fee;
      size += last.size;
    }
    chunks.push({ fee, size });
  }
  return chunks;
}

/** A millionth of a satoshi more at the start makes "as good or better" strictly better. */
function isNowhereBelow(a: readonly FeeFraction[], b: readonly FeeFraction[]): boolean {
  const millionths = (chunks: readonly FeeFraction[]) => chunks.map(({ fee, size }) => ({ fee: fee * 1_000_000, size }));
  const [first, ...rest] = millionths(a);
  return improvesDiagram(millionths(b), [{ fee: first!.fee + 1, size: first!.size }, ...rest]);
}

function* allOrders(inputs: readonly LinearizeInput[], order: readonly number[] = []): Generator<readonly number[]> {
  if (order.length === inputs.length) yield order;
  for (let i = 0; i < inputs.length; i++) {
    const isReady = !order.includes(i) && inputs[i]!.parents.every((parent) => order.includes(parent));
    if (isReady) yield* allOrders(inputs, [...order, i]);
  }
}

test("no order of any small cluster is better anywhere", () => {
  fc.assert(
    fc.property(clusters(6), (raw) => {
      const inputs = build(raw);
      const chunks = linearize(inputs);
      expectValid(inputs, chunks);
      for (const order of allOrders(inputs)) {
        if (!isNowhereBelow(chunks, chunksOfOrder(inputs, order))) expect.fail(`${order} is better somewhere`);
      }
    }),
    { numRuns: 300 },
  );
});

test("clusters of 64 come out in a valid order of falling chunks", () => {
  fc.assert(
    fc.property(clusters(64), (raw) => {
      const inputs = build(raw);
      expectValid(inputs, linearize(inputs));
    }),
    { numRuns: 60 },
  );
});

test("a long chain whose rates rise is one chunk, one whose rates fall is none", () => {
  const chain = (fee: (i: number) => number) =>
    Array.from({ length: 64 }, (_, i) => input(fee(i), 10, ...(i === 0 ? [] : [i - 1])));
  expect(members(chain((i) => i)).length).toBe(1);
  expect(members(chain((i) => 64 - i)).length).toBe(64);
});

test("diagrams are compared at every corner", () => {
  const chunk = (fee: number, size: number) => ({ fee, size });
  expect(improvesDiagram([chunk(10, 10)], [chunk(11, 10)])).toBe(true);
  expect(improvesDiagram([chunk(10, 10)], [chunk(10, 10)])).toBe(false);
  expect(improvesDiagram([chunk(10, 10)], [chunk(12, 20)])).toBe(false); // More fee, but less at size 10.
  expect(improvesDiagram([chunk(10, 10)], [chunk(20, 20)])).toBe(true);
  expect(improvesDiagram([chunk(10, 10), chunk(1, 10)], [chunk(11, 10)])).toBe(true); // Level behind its end.
  expect(improvesDiagram([chunk(10, 10), chunk(2, 10)], [chunk(11, 10)])).toBe(false);
  expect(improvesDiagram([], [chunk(1, 1)])).toBe(true);
});

test("rates are compared exactly where doubles are not", () => {
  const a = { fee: 2_100_000_000_000_000, size: 399_999 };
  const b = { fee: 2_100_000_000_000_001, size: 399_999 };
  expect(Math.sign(compareFeeRates(b, a))).toBe(1);
  expect(Math.sign(compareFeeRates(a, b))).toBe(-1);
  expect(compareFeeRates(a, a)).toBe(0);
});
