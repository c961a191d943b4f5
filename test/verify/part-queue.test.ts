import { expect, test } from "vitest";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats } from "../../src/core/primitives/units.ts";
import { PartQueue, type PendingPart } from "../../src/core/verify/part-queue.ts";

function part(inputs: number, bytes = 0, isWanted = true): PendingPart {
  const tx = Transaction.build({
    version: 1,
    lockTime: 0,
    inputs: [],
    outputs: [{ value: 0 as Sats, script: new Uint8Array(bytes) }],
  });
  return { tx, spent: [], flags: 0, from: 0, to: inputs, losses: 0, settle: () => {}, fail: () => {}, isWanted };
}

function queueOf(...parts: readonly PendingPart[]): PartQueue {
  const queue = new PartQueue();
  for (const one of parts) queue.add(one);
  return queue;
}

test("gives parts in the order in which they came, as many as are asked for", () => {
  const parts = [part(2), part(3), part(4)];
  const queue = queueOf(...parts);
  expect(queue.cost).toBe(9);
  expect(queue.take(4)).toEqual(parts.slice(0, 2));
  expect(queue.cost).toBe(4);
  expect(queue.take(100)).toEqual([parts[2]]);
  expect(queue.cost).toBe(0);
  expect(queue.take(1)).toEqual([]);
});

test("what comes back stands in front", () => {
  const [a, b, c] = [part(1), part(1), part(1)];
  const queue = queueOf(a, b);
  const taken = queue.take(1);
  queue.add(c);
  queue.putBack(taken);
  expect(queue.cost).toBe(3);
  expect(queue.takeAll()).toEqual([a, b, c]);
  expect(queue.cost).toBe(0);
});

test("drops what nobody wants any more", () => {
  const [gone, wanted] = [part(5, 0, false), part(1)];
  const queue = queueOf(gone, wanted);
  expect(queue.take(1)).toEqual([wanted]);
  expect(queue.cost).toBe(0);
});

test("takes no more than fits, but always the first", () => {
  const parts = [part(1, 300), part(1, 300), part(1, 300)];
  const queue = queueOf(...parts);
  expect(queue.take(3, 800)).toEqual(parts.slice(0, 2));
  expect(queue.cost).toBe(1);
  expect(queue.take(3, 100)).toEqual(parts.slice(2));
  expect(queue.cost).toBe(0);
});

test("a long transaction is more work than its inputs say, so that it is not done on the calling thread", () => {
  expect(queueOf(part(1, 10)).cost).toBe(1);
  expect(queueOf(part(1, 5_000)).cost).toBe(6);
});
