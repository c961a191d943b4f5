import { afterEach, beforeEach, expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { LockWarning } from "../../src/core/locks/policy.ts";
import { LockDemo } from "../../src/core/node/lock-demo.ts";
import { SystemClock } from "../../src/core/node/system.ts";

let locks: LockManager;
let warnings: LockWarning[];
let demo: LockDemo;
beforeEach(() => {
  warnings = [];
  locks = new LockManager(undefined, { onWarning: (warning) => warnings.push(warning) });
  locks.getLock("chain", "BLOCKCHAIN");
  demo = new LockDemo(locks, new SystemClock());
});
afterEach(() => locks.close());

/** Every demonstration lock is free, and the node's lock was not touched. */
function expectTidy(): void {
  for (const lock of locks.stats()) expect(lock, lock.name).toMatchObject({ state: "free", holders: [], waiters: [] });
  expect(locks.getAllStats()["chain"]!.acquisitions).toBe(0);
  expect(locks.graph().owners).toEqual([]);
}

test("deadlock: one victim, the whole cycle in the node's words, the other goes on, and the victim succeeds later", async () => {
  const answer = await demo.play("deadlock");
  expect(answer.refused).toHaveLength(1);
  const { strand, code, message } = answer.refused[0]!;
  expect({ strand, code }).toEqual({ strand: "demo-2", code: "lock-deadlock" });
  expect(message).toMatch(
    /^Deadlock detected: demo-2 #\d+ waits for "demo-a" \(write, at demo inner\); demo-1 #\d+ waits for "demo-b" \(write, at demo inner\); the first was refused$/,
  );
  expect(answer.steps.filter(({ text }) => text.startsWith("has ")).map(({ strand, text }) => `${strand} ${text}`)).toEqual([
    "demo-1 has demo-a",
    "demo-2 has demo-b",
    "demo-1 has demo-b",
    "demo-2 has demo-a",
    "demo-2 has demo-b",
  ]);
  expect(answer.figures).toContainEqual({ name: "deadlocks prevented on this node", before: 0, after: 1 });
  expect(answer.figures).toContainEqual({ name: "demo-a deadlock attempts", before: 0, after: 1 });
  expectTidy();
  expect(warnings).toEqual([{ kind: "deadlock", text: message }]);
});

test("inversion: a step down and an order turned round are refused though nothing contends, with both sites", async () => {
  const { refused, figures } = await demo.play("inversion");
  expect(refused.map(({ strand, code }) => `${strand} ${code}`)).toEqual(["demo-1 lock-order", "demo-3 lock-order"]);
  expect(refused[0]!.message).toMatch(
    /"demo-a" \(level 4, at demo downwards inner\) must not be taken while "demo-b" \(level 6, at demo downwards outer\)/,
  );
  expect(refused[1]!.message).toContain(
    "they were taken the other way round at demo first seen outer, then demo first seen inner",
  );
  expect(figures.map(({ name }) => name)).not.toContain("deadlocks prevented on this node");
  expect(figures.filter(({ name }) => name.endsWith("contentions"))).toEqual([]);
  expectTidy();
});

test("starvation: the writer gets in past a stream of readers without a gap, and nobody overtakes it", async () => {
  const { refused, steps } = await demo.play("starvation");
  expect(refused).toEqual([]);
  const texts = steps.map(({ text }) => text);
  expect(texts.filter((text) => text.includes("0 others came in before it"))).toHaveLength(1);
  expect(texts.find((text) => text.includes("so far"))).toMatch(/^\d+ reads so far, 0 moments without a reader inside$/);
  expect(texts.find((text) => text.startsWith("leaves"))).toBe("leaves; 6 readers wait and come in together");
  expectTidy();
});

test("a demonstration can be given again, one at a time; an unknown one is refused with those that are known", async () => {
  await demo.play("deadlock");
  const again = demo.play("deadlock");
  await expect(demo.play("inversion")).rejects.toMatchObject({ code: "demo-running" });
  expect((await again).figures).toContainEqual({ name: "deadlocks prevented on this node", before: 1, after: 2 });
  await demo.play("inversion");
  expect((await demo.play("inversion")).refused).toHaveLength(2);
  await expect(demo.play("toString")).rejects.toThrow(
    'there is no situation "toString"; there are: deadlock, inversion, starvation',
  );
});
