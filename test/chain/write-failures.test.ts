import { expect, test } from "vitest";
import { DISK_FAULTS } from "../store/failing-disk.ts";
import { WriteFailures } from "./write-failures.ts";

test("whichever write fails, the node stops and the next start has a confirmed state", async () => {
  await using failures = await WriteFailures.prepare(2024);
  expect(failures.steps).toBeGreaterThan(25);
  for (let step = 1; step <= failures.steps; step++) await failures.failAt(step, DISK_FAULTS[step % DISK_FAULTS.length]!);
});

test("a change of coins too large for one batch is there whole or not at all", async () => {
  const whole = await WriteFailures.prepare(2025);
  await using parts = await WriteFailures.prepare(2025, { batchBytesMax: 300 });
  expect(parts.steps).toBeGreaterThan(whole.steps + 10);
  await whole[Symbol.asyncDispose]();
  for (let step = 1; step <= parts.steps; step += 3) await parts.failAt(step, DISK_FAULTS[step % DISK_FAULTS.length]!);
});

test("a snapshot is saved or not, the tip restored or not, whichever write fails", async () => {
  await using failures = await WriteFailures.prepare(2026, {}, true);
  expect(failures.states).toHaveLength(10);
  for (let step = 1; step <= failures.steps; step += 2)
    await failures.failAt(step, DISK_FAULTS[(step >> 1) % DISK_FAULTS.length]!);
});
