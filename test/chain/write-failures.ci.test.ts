import { test } from "vitest";
import { DISK_FAULTS } from "../store/failing-disk.ts";
import { WriteFailures } from "./write-failures.ts";

test.each(DISK_FAULTS)("every write of a run fails in turn, and the next start has a confirmed state (%s)", async (fault) => {
  for (const seed of [1, 2]) {
    await using failures = await WriteFailures.prepare(seed, seed === 2 ? { batchBytesMax: 300 } : {});
    for (let step = 1; step <= failures.steps; step++) await failures.failAt(step, fault);
  }
});

test.each(DISK_FAULTS)("every write of saving and restoring snapshots fails in turn, too (%s)", async (fault) => {
  const isInParts = fault === "short" || fault === "late"; // A restored tip's change of coins in one batch, and in several.
  await using failures = await WriteFailures.prepare(isInParts ? 4 : 3, isInParts ? { batchBytesMax: 300 } : {}, true);
  for (let step = 1; step <= failures.steps; step++) await failures.failAt(step, fault);
});
