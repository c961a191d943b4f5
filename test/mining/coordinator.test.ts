import { expect, test } from "vitest";
import { WorkCoordinator } from "../../src/core/mining/coordinator.ts";
import { headerAt, readJob } from "../../src/core/mining/job.ts";
import { WorkSpace } from "../../src/core/mining/work-space.ts";
import { WorkerClaims } from "../../src/core/mining/worker-claims.ts";
import { draft, HOLDING } from "./drafts.ts";

function coordinate(options: ConstructorParameters<typeof WorkCoordinator>[0] = {}) {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs };
  const coordinator = new WorkCoordinator({ workers: 4, ...options }, { clock });
  return { coordinator, pass: (ms: number) => (nowMs += ms) };
}

test("a job comes out of shared memory as it went in", () => {
  const { coordinator } = coordinate({ firstExtranonce: 0xfffffff0 });
  const job = { ...draft(2n ** 200n + 12_345n), prefix: 0xdeadbeef, units: 77 };
  const number = coordinator.publish(HOLDING, job);
  const read = readJob(WorkSpace.attach(coordinator.handle), number)!;
  expect(read).toEqual({ ...job, firstExtranonce: 0xfffffff0 });
  expect(headerAt(read, 5)).toEqual(headerAt({ ...job }, 5));
  expect(headerAt(read, 5)).not.toEqual(headerAt(read, 6));
});

test("a job whose slot was taken over by a later one cannot be read", () => {
  const { coordinator } = coordinate();
  for (let number = 1; number <= 9; number++) coordinator.publish(HOLDING, draft());
  const space = WorkSpace.attach(coordinator.handle);
  expect(readJob(space, 1)).toBeUndefined();
  expect(readJob(space, 2)).toBeDefined();
});

test("a coinbase that does not fit is refused before anybody mines it", () => {
  const { coordinator } = coordinate();
  const coinbaseAfter = new Uint8Array(9_000);
  expect(() => coordinator.publish(HOLDING, { ...draft(), coinbaseAfter })).toThrow(
    expect.objectContaining({ code: "coinbase-too-long" }),
  );
  expect(coordinator.jobNumber).toBe(0);
});

test("jobs on one template do not share extranonces", () => {
  const { coordinator } = coordinate({ nonceBits: 16, unitBits: 14 });
  coordinator.publish(HOLDING, { ...draft(), units: 10 });
  const first = coordinator.job!.firstExtranonce;
  coordinator.publish(HOLDING, { ...draft(), units: 10 });
  expect(coordinator.job!.firstExtranonce).toBe(first + 3); // Ten units are two and a half extranonces.
});

test("ranges given to miners of other processes are adjacent and never overlap", () => {
  const { coordinator } = coordinate();
  coordinator.publish(HOLDING, draft());
  const works = ["a", "b", "a"].map((minerId) => coordinator.assignWork(minerId, 100_000)!);
  expect(works.map(({ startNonce, endNonce }) => [startNonce, endNonce])).toEqual([
    [0, 114_688],
    [114_688, 229_376],
    [229_376, 344_064],
  ]);
  expect(works.map((work) => coordinator.completeWork(work))).toEqual([true, true, true]);
  expect(coordinator.completeWork(works[0]!)).toBe(false);
  expect(coordinator.statistics()).toMatchObject({ issued: 21, finished: 21, efficiency: 1 });
});

test("a range ends where its extranonce does", () => {
  const { coordinator } = coordinate({ unitBits: 4, nonceBits: 6 });
  coordinator.publish(HOLDING, draft());
  const works = Array.from({ length: 3 }, () => coordinator.assignWork("a", 48)!);
  expect(works.map(({ extranonce, startNonce, endNonce }) => [extranonce, startNonce, endNonce])).toEqual([
    [0, 0, 48],
    [0, 48, 64],
    [1, 0, 48],
  ]);
});

test("setNonceRange decides how much a claim takes, rounded up to units", () => {
  const { coordinator } = coordinate();
  coordinator.publish(HOLDING, draft());
  coordinator.setNonceRange(50_000);
  expect(coordinator.assignWork("a")).toMatchObject({ startNonce: 0, endNonce: 65_536 });
  coordinator.setNonceRange(1);
  expect(coordinator.assignWork("a")).toMatchObject({ startNonce: 65_536, endNonce: 81_920 });
});

test.each([
  { isOn: true, late: false, finished: 1, duplicatesPrevented: 1 },
  { isOn: false, late: true, finished: 2, duplicatesPrevented: 0 },
])("setOverlapPrevention($isOn): a late report of a range that another miner was given counts: $late", (expected) => {
  const { coordinator, pass } = coordinate({ leaseMs: 1_000 });
  coordinator.publish(HOLDING, draft());
  coordinator.setOverlapPrevention(expected.isOn);
  const slow = coordinator.assignWork("slow", 1)!;
  pass(1_001);
  const other = coordinator.assignWork("other", 1)!;
  expect([other.startNonce, other.endNonce]).toEqual([slow.startNonce, slow.endNonce]);
  expect(coordinator.completeWork(other)).toBe(true);
  expect(coordinator.completeWork(slow)).toBe(expected.late);
  const { finished, duplicatesPrevented, reissued } = coordinator.statistics();
  expect({ finished, duplicatesPrevented, reissued }).toEqual({
    finished: expected.finished,
    duplicatesPrevented: expected.duplicatesPrevented,
    reissued: 1,
  });
});

test("work of an old job is stale wherever it was", () => {
  const { coordinator } = coordinate();
  coordinator.publish(HOLDING, draft());
  const work = coordinator.assignWork("a", 1)!;
  const slot = coordinator.openSlot();
  new WorkerClaims(WorkSpace.attach(coordinator.handle), slot).take(2, () => 100);
  coordinator.offerAgain(coordinator.claim(3)!);
  coordinator.publish(HOLDING, draft());
  coordinator.closeSlot(slot);
  expect(coordinator.completeWork(work)).toBe(false);
  expect(coordinator.statistics()).toMatchObject({ issued: 6, finished: 0, stale: 6, reissued: 3, efficiency: 0 });
});

test("nothing is given out before the first job, for a solved one, or beyond a job's end", () => {
  const { coordinator } = coordinate();
  expect(coordinator.assignWork("a")).toBeUndefined();
  coordinator.publish(HOLDING, { ...draft(), units: 2 });
  expect(coordinator.assignWork("a", 10 * 16_384)).toMatchObject({ endNonce: 32_768 });
  expect(coordinator.assignWork("a")).toBeUndefined();
  const job = coordinator.publish(HOLDING, draft());
  new WorkerClaims(WorkSpace.attach(coordinator.handle), coordinator.openSlot()).report({ job, extranonce: 0, nonce: 0 });
  expect(coordinator.assignWork("a")).toBeUndefined();
});

test("more workers than slots are refused", () => {
  const { coordinator } = coordinate();
  for (let worker = 0; worker < 4; worker++) coordinator.openSlot();
  expect(() => coordinator.openSlot()).toThrow(expect.objectContaining({ code: "too-many-workers" }));
  coordinator.closeSlot(2);
  expect(coordinator.openSlot()).toBe(2);
});

test("prefixes for other processes are never the node's own, nor given twice", () => {
  const { coordinator } = coordinate();
  const prefixes = Array.from({ length: 100 }, () => coordinator.reservePrefix());
  expect(new Set([0, ...prefixes]).size).toBe(101);
});
