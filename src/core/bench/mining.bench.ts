import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { LockManager } from "../locks/manager.ts";
import { WorkCoordinator } from "../mining/coordinator.ts";
import { createScanner, type KernelName } from "../mining/kernel.ts";
import { bestKernel, kernelModule } from "../mining/kernel-module.ts";
import { nativeKernelNames } from "../mining/native-kernel.ts";
import { jobOf, UNITS_MAX } from "../mining/range-word.ts";
import { WorkSpace } from "../mining/work-space.ts";
import { WorkerClaims } from "../mining/worker-claims.ts";
import { WorkerSlot } from "../mining/worker-slot.ts";
import { WorkerTeam } from "../mining/worker-team.ts";
import { cpuSeconds, nsPerCall } from "./measure.ts";
import { type BenchRow, median, quantile, row } from "./report.ts";
import { simdBound } from "./simd-bound.ts";

const RUNS = 5;
const HEADER = Uint8Array.from({ length: 80 }, (_, index) => (index * 73 + 5) & 255);
const UNREACHABLE = 0n;
const clock = { monotonicMs: () => performance.now() };
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

/** Rates by CPU time, so that other work on the machine does not show. */
export async function rows(): Promise<readonly BenchRow[]> {
  const { simd, bound, byCrypto, byNoble } = ratesByTurns();
  const one = await teamFigures(1);
  const two = await teamFigures(2);
  return [
    row({ name: "crypto.hash twice, one thread", unit: "MH/s", samples: byCrypto }),
    row({ name: "@noble/hashes twice, one thread", unit: "MH/s", samples: byNoble }),
    row({
      ...{ name: "wasm-simd kernel, one thread", unit: "MH/s", samples: simd },
      reference: { name: "crypto.hash twice", value: median(byCrypto) },
      goal: { on: "ratio", sign: ">=", bound: 10 },
    }),
    row({
      ...{ name: "wasm-simd kernel, one thread", unit: "MH/s", samples: simd },
      reference: { name: "@noble/hashes twice", value: median(byNoble) },
    }),
    row({
      ...{ name: "wasm-simd kernel, one thread", unit: "MH/s", samples: simd },
      reference: { name: "bound of SIMD128", value: median(bound) },
      goal: { on: "ratio", sign: ">=", bound: 0.9 },
    }),
    ...nativeKernelNames().map((name) => nativeRow(name, median(simd))),
    row({ name: "node-crypto kernel, one thread", unit: "MH/s", samples: kernelRates("node-crypto") }),
    row({ name: `one worker with ${bestKernel()}, per CPU second`, unit: "MH/s", samples: one.perCpuSecond }),
    row({
      ...{ name: "two workers, per CPU second", unit: "MH/s", samples: two.perCpuSecond },
      reference: { name: "one worker", value: median(one.perCpuSecond) },
      goal: { on: "ratio", sign: ">=", bound: 0.95 },
    }),
    row({ name: "claim and end of a range", unit: "ns", samples: await claimCost() }),
    ...switchRows(two),
    row({
      ...{ name: "stop of two workers", unit: "ms", samples: two.stopMs },
      goal: { on: "value", sign: "<=", bound: 100 },
    }),
    row({
      ...{ name: "event-loop delay while two workers mine, p99", unit: "ms", samples: [two.loopDelayMs] },
      goal: { on: "value", sign: "<=", bound: 50 },
    }),
  ];
}

/** On a busy machine a worker waits for a processor, and is late with the new job; it does nothing for the old one meanwhile. */
function switchRows({ abandonMs, switchMs, switchCpuMs }: TeamFigures): BenchRow[] {
  const goal = { on: "value", sign: "<=", bound: 50 } as const;
  const p95 = (samples: readonly number[]) => [quantile(samples, 0.95)];
  return [
    row({ name: "old tip's work abandoned by both workers, p95", unit: "ms", samples: p95(abandonMs), goal }),
    row({ name: "new job then taken up by both workers", unit: "ms", samples: switchMs, goal }),
    row({ name: "the same, p95", unit: "ms", samples: p95(switchMs), goal }),
    ...(switchCpuMs.length === 0
      ? []
      : [row({ name: "the same, p95 of the slower worker's own CPU time", unit: "ms", samples: p95(switchCpuMs), goal })]),
  ];
}

function nativeRow(name: KernelName, simd: number): BenchRow {
  const reference = { name: "wasm-simd kernel", value: simd };
  return row({ name: `${name} kernel, one thread`, unit: "MH/s", samples: kernelRates(name), reference });
}

function repeat(count: number, once: () => void): void {
  for (let i = 0; i < count; i++) once();
}

function hashByCrypto(): void {
  hash("sha256", hash("sha256", HEADER, "buffer"), "buffer");
}

function hashByNoble(): void {
  nobleSha256(nobleSha256(HEADER));
}

/** MH per CPU second of the calling thread; one run before the first is not counted. */
function rateOf(count: number, run: (count: number) => void, runs = RUNS): number[] {
  return nsPerCall(() => run(count), 1, runs).map((ns) => (count * 1_000) / ns);
}

function kernelRates(kernel: KernelName, runs = RUNS): number[] {
  const scanner = createScanner(kernelModule(), kernel);
  scanner.setHeader(HEADER);
  const batch = kernel === "node-crypto" ? 4_096 : 65_536;
  const warm = performance.now() + 300; // Until V8 has optimised the kernel.
  while (performance.now() < warm) scanner.find(0, batch, UNREACHABLE);
  return rateOf(
    16 * batch,
    (count) => {
      for (let done = 0; done < count; done += batch) scanner.find(done, batch, UNREACHABLE);
    },
    runs,
  );
}

/** The kernel and what it is held against, by turns: all feel what else the processor does. */
function ratesByTurns() {
  const rates = { simd: [] as number[], bound: [] as number[], byCrypto: [] as number[], byNoble: [] as number[] };
  for (let run = 0; run < RUNS; run++) {
    rates.byCrypto.push(...rateOf(20_000, (count) => repeat(count, hashByCrypto), 1));
    rates.simd.push(...kernelRates("wasm-simd", 1));
    rates.bound.push(...simdBound(1));
    rates.byNoble.push(...rateOf(10_000, (count) => repeat(count, hashByNoble), 1));
  }
  return rates;
}

/** A coordinator with a job that nobody can solve, and the means to replace that job. */
class Bench {
  readonly coordinator = new WorkCoordinator({}, { clock });
  readonly #locks = new LockManager();
  readonly #lock = this.#locks.getLock("mining", "MINING");

  publish(): Promise<number> {
    const branch = [new Uint8Array(32)];
    const draft = { header: HEADER, target: UNREACHABLE, coinbaseBefore: HEADER, coinbaseAfter: HEADER, branch };
    return this.#locks.task("bench", (at) => this.#lock.withWrite(at, (held) => this.coordinator.publish(held, draft)));
  }
}

/** Nanoseconds of CPU from asking for a range to having given it back, without any hashing. */
async function claimCost(): Promise<number[]> {
  const bench = new Bench();
  await bench.publish();
  const claims = new WorkerClaims(WorkSpace.attach(bench.coordinator.handle), bench.coordinator.openSlot());
  return nsPerCall(() => claims.end(claims.take(1, () => UNITS_MAX)!, "complete"), 20_000, RUNS);
}

/** CPU milliseconds that each worker has had, by Linux' count; empty elsewhere. */
function workersCpuMs(): number[] {
  if (process.platform !== "linux") return [];
  const tasks = "/proc/self/task";
  return readdirSync(tasks)
    .filter((thread) => readFileSync(`${tasks}/${thread}/comm`, "utf8").startsWith("bench_worker"))
    .map((thread) => Number(readFileSync(`${tasks}/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6);
}

interface TeamFigures {
  /** MH per CPU second of the process, which does nothing else. */
  readonly perCpuSecond: number[];
  /** From the news of another tip until no worker is at the old one's job. */
  readonly abandonMs: number[];
  /** From publishing a job until every worker has claimed some of it. */
  readonly switchMs: number[];
  /** Of that, what the slower worker computed. */
  readonly switchCpuMs: number[];
  readonly stopMs: number[];
  readonly loopDelayMs: number;
}

async function teamFigures(threads: number): Promise<TeamFigures> {
  const bench = new Bench();
  const fail = (error: Error) => {
    throw error;
  };
  const team = new WorkerTeam({ id: "bench", threads }, { coordinator: bench.coordinator, log: QUIET, tell: () => {}, fail });
  await bench.publish();
  team.start();
  await delay(600); // Threads start, V8 optimises the kernel.
  const perCpuSecond: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const [hashes, seconds] = [team.totalHashes(), cpuSeconds()];
    await delay(300);
    perCpuSecond.push((team.totalHashes() - hashes) / (cpuSeconds() - seconds) / 1e6);
  }
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const abandonMs: number[] = [];
  const switchMs: number[] = [];
  const switchCpuMs: number[] = [];
  for (let run = 0; run < 100; run++) {
    await delay(10);
    const { ms, cpuMs } = await switchTime(bench, threads);
    switchMs.push(ms);
    if (cpuMs !== undefined) switchCpuMs.push(cpuMs);
    await delay(10);
    abandonMs.push(await abandonTime(bench, threads));
  }
  loop.disable();
  const stopMs = await stopTimes(team);
  return { perCpuSecond, abandonMs, switchMs, switchCpuMs, stopMs, loopDelayMs: loop.percentile(99) / 1e6 };
}

/** From the call until the last thread is gone; ends with the team stopped. */
async function stopTimes(team: WorkerTeam): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    if (run > 0) team.start();
    await delay(run > 0 ? 200 : 0);
    const started = performance.now();
    await team.stop();
    times.push(performance.now() - started);
  }
  return times;
}

function slotsOf(bench: Bench, threads: number): WorkerSlot[] {
  const space = WorkSpace.attach(bench.coordinator.handle);
  return Array.from({ length: threads }, (_, worker) => new WorkerSlot(space, worker));
}

async function switchTime(bench: Bench, threads: number): Promise<{ ms: number; cpuMs: number | undefined }> {
  const slots = slotsOf(bench, threads);
  const before = workersCpuMs();
  const started = performance.now();
  const job = await bench.publish();
  /** By the time that this thread sees the switch, so rather too much. */
  const spent: number[] = [];
  for (;;) {
    const isDone = slots.map((slot) => jobOf(slot.claim()) === job);
    const now = workersCpuMs();
    isDone.forEach((done, worker) => {
      if (done && now[worker] !== undefined) spent[worker] ??= now[worker] - before[worker]!;
    });
    if (isDone.every(Boolean)) break;
    await delay(0);
  }
  return { ms: performance.now() - started, cpuMs: spent.length === threads ? Math.max(...spent) : undefined };
}

async function abandonTime(bench: Bench, threads: number): Promise<number> {
  const slots = slotsOf(bench, threads);
  const started = performance.now();
  bench.coordinator.abandonJob();
  while (slots.some((slot) => jobOf(slot.claim()) !== 0)) await delay(0);
  return performance.now() - started;
}
