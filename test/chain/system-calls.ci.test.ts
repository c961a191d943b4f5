import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canTrace, type SystemCall, trace } from "../support/strace.ts";

const isTracing = canTrace();
if (!isTracing) {
  console.log(
    "strace is not installed or may not trace here: the order of system calls is only shown by durability-order.test.ts",
  );
}

const isWrite = ({ name }: SystemCall) => /write/.test(name);
const isSync = ({ name }: SystemCall) => /sync$/.test(name);
const isBlockFile = ({ file }: SystemCall) => /^blk\d+\.dat$/.test(file);
const isLog = ({ file }: SystemCall) => /^\d+\.log$/.test(file);
const isMark = (text: string) => (call: SystemCall) => call.file === "stdout" && call.text.startsWith(text);

/** Everything between the two lines that frame a step, both included; one list a step of that name. */
function steps(calls: readonly SystemCall[], name: string): readonly (readonly SystemCall[])[] {
  const found: SystemCall[][] = [];
  for (let at = calls.findIndex(isMark(`begin ${name}`)); at >= 0; ) {
    const end = calls.findIndex((call, index) => index > at && isMark(`ack ${name}`)(call));
    found.push(calls.slice(at, end + 1));
    at = calls.findIndex((call, index) => index > end && isMark(`begin ${name}`)(call));
  }
  return found;
}

/** Every call of the first kind has ended before any of the second begins; both are there. */
function expectOrder(
  calls: readonly SystemCall[],
  first: (call: SystemCall) => boolean,
  second: (call: SystemCall) => boolean,
): void {
  const [before, after] = [calls.filter(first), calls.filter(second)];
  expect([before.length > 0, after.length > 0]).toEqual([true, true]);
  expect(Math.max(...before.map(({ to }) => to))).toBeLessThan(Math.min(...after.map(({ from }) => from)));
}

const both =
  (...tests: ((call: SystemCall) => boolean)[]) =>
  (call: SystemCall) =>
    tests.every((one) => one(call));

test.skipIf(!isTracing)(
  "the system sees bodies synced, then the batch, then its sync, before any reader or caller hears of it (needs strace)",
  () => {
    const directory = mkdtempSync(join(tmpdir(), "chaincore-traced-"));
    try {
      const calls = trace([process.execPath, join(import.meta.dirname, "traced-node.ts"), directory]);
      const connects = steps(calls, "connect");
      expect(connects).toHaveLength(6);
      for (const step of connects) {
        expectOrder(step, both(isBlockFile, isWrite), both(isBlockFile, isSync));
        expectOrder(step, both(isBlockFile, isSync), both(isLog, isWrite));
        expectOrder(step, both(isLog, isWrite), both(isLog, isSync));
        expectOrder(step, both(isLog, isSync), isMark("ack"));
      }
      const commits = [...connects, ...steps(calls, "reorganise"), ...steps(calls, "restore")];
      for (const [index, step] of commits.entries()) {
        expectOrder(step, isMark("begin"), both(isLog, isSync));
        expectOrder(step, both(isLog, isSync), isMark("ack"));
        // Each commit makes one version. The reader may be late, or miss one, but is never early.
        const seen = calls.filter(isMark(`seen ${index + 1}\\n`));
        if (seen.length > 0) expectOrder([...step, ...seen], both(isLog, isSync), (call) => seen.includes(call));
      }
      expect(calls.filter(isMark("seen")).length).toBeGreaterThan(commits.length / 2);
      const rolled = calls.filter(({ file, name }) => file === "blocks" && name === "fsync");
      expect(rolled.length).toBeGreaterThan(1); // The name of each new block file.
      for (const [name, file] of [
        ["save", "snapshots.json"],
        ["close", "coins.image"],
      ] as const) {
        const [step] = steps(calls, name);
        const isTemporary = (call: SystemCall) => call.file === `${file}.new`;
        const isRename = (call: SystemCall) => call.file === file && call.name.startsWith("rename");
        expectOrder(step!, both(isTemporary, isWrite), both(isTemporary, isSync));
        expectOrder(step!, both(isTemporary, isSync), isRename);
        expectOrder(
          step!,
          isRename,
          both(isSync, (call) => !isTemporary(call)),
        );
        expectOrder(
          step!,
          both(isSync, (call) => !isTemporary(call)),
          isMark("ack"),
        );
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
