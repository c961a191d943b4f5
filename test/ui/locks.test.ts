import { expect, test } from "vitest";
import type { LockAnswer, LockGraphAnswer, LocksAnswer } from "../../src/core/client/index.ts";
import { graphDot, graphMermaid, graphText } from "../../src/ui/lock-graph.ts";
import { renderWatch } from "../../src/ui/lock-watch.ts";
import { renderLocks } from "../../src/ui/locks.ts";

const lock = (figures: Partial<LockAnswer> = {}): LockAnswer => ({
  acquisitions: 0,
  contentions: 0,
  max_wait_time: 0,
  average_wait_time: 0,
  contention_ratio: 0,
  timeouts: 0,
  deadlock_attempts: 0,
  level: "PEERS",
  reads: 0,
  writes: 0,
  wait_p99: 0,
  hold_average: 0,
  hold_p99: 0,
  hold_max: 0,
  aborts: 0,
  order_violations: 0,
  poisonings: 0,
  state: "free",
  holders: [],
  waiters: [],
  sites: [],
  ...figures,
});

const answer = (locks: Readonly<Record<string, LockAnswer>>, rest: Partial<LocksAnswer> = {}): LocksAnswer => ({
  lock_stats: locks,
  deadlock_stats: { cycles_detected: 2, prevented_deadlocks: 1 },
  kpis: { lock_contention_ratio: 0.061, average_wait_time: 0.000_31, deadlocks_per_hour: 0.5, utxo_conflict_ratio: 0 },
  load: { operations: 1_200, operations_per_second: 7.25 },
  uptime_seconds: 90,
  ...rest,
});

const busy = lock({
  acquisitions: 1_234_567,
  contentions: 123_456,
  contention_ratio: 0.1,
  average_wait_time: 0.004,
  wait_p99: 0.02,
  max_wait_time: 1.5,
  hold_p99: 0.003,
  hold_max: 0.25,
  timeouts: 3,
  deadlock_attempts: 1,
  state: "write",
  holders: [{ owner: "rpc submitblock #3", mode: "write", site: "accept block" }],
  waiters: [{ owner: "rpc getblocktemplate #4", mode: "read", site: "template" }],
});

test("what a lock between processes does not count is a dash, not a zero", () => {
  const none = { wait_p99: null, hold_average: null, hold_p99: null, reads: null, writes: null, sites: null };
  const registry = lock({ acquisitions: 3, level: "SESSION", deadlock_attempts: null, hold_max: 0.25, ...none });
  const [, row] = renderLocks(answer({ registry }), undefined).split("\n");
  expect(row!.split(/ {2,}/)).toEqual(["registry", "3", "0", "0.0 %", "-", "-", "-", "-", "250 ms", "-", "0", "0", "-"]);
});

test("all figures of a lock stand in one row where there is room", () => {
  const [head, row, , summary] = renderLocks(answer({ chain: busy, coins: lock() }), undefined).split("\n");
  expect(head).toBe(
    "LOCK   ACQUIRED  CONTENDED   SHARE  WAIT AVG  WAIT P99  WAIT MAX  HOLD P99  HOLD MAX  INSIDE  WAITING  TIMEOUTS  DEADLOCKS",
  );
  expect(row!.split(/ {2,}/)).toEqual([
    "chain",
    "1234567",
    "123456",
    "10.0 %",
    "4.0 ms",
    "20.0 ms",
    "1.5 s",
    "3.0 ms",
    "250 ms",
    "1 w",
    "1",
    "3",
    "1",
  ]);
  expect(summary).toBe("2 cycles detected, 1 deadlocks prevented");
});

test("on 80 columns nothing wraps: the lesser columns go, and are counted", () => {
  const text = renderLocks(answer({ chain: busy, "a-lock-with-a-longer-name": lock() }), 80);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text.split("\n")[0]).toMatch(/^LOCK +ACQUIRED +CONTENDED +SHARE +WAIT AVG +WAIT MAX +WAITING +DEADLOCKS$/);
  expect(text).toContain("5 more columns fit a wider terminal; --json has everything");
});

test("the five health figures stand beside their targets, with the load below; what is not measured says so", () => {
  const lines = renderLocks(answer({}), 80).split("\n");
  expect(lines.slice(lines.indexOf("") + 1)).toEqual([
    "HEALTH                           NOW   TARGET",
    "lock contention                6.1 %    < 5 %  MISSED",
    "average wait                  310 us  < 50 ms  met",
    "deadlocks an hour                0.5        0  MISSED",
    "coin conflicts                 0.0 %    < 1 %  met",
    "connections reused  not measured yet   > 90 %",
    "load: 7.3 calls a second, 1200 in 1 min 30 s",
  ]);
});

test("watch shows the time between two looks, the most contended lock first, with a bar", () => {
  const before = answer({ chain: lock({ acquisitions: 1_000, contentions: 500 }), coins: lock({ acquisitions: 10 }) });
  const now = answer(
    {
      chain: lock({ acquisitions: 1_100, contentions: 500 }),
      coins: { ...busy, acquisitions: 60, contentions: 6 },
      mempool: lock(),
    },
    { uptime_seconds: 90.5 },
  );
  expect(renderWatch(now, before, { width: undefined, height: undefined })).toEqual([
    "LOCK     ACQUIRED/S  CONTENDED/S   SHARE              INSIDE  WAITING  HELD BY",
    "coins           100           12  12.0 %  ██········     1 w        1  rpc submitblock #3 at accept block",
    "chain           200            0   0.0 %  ··········       -        0",
    "mempool           0            0   0.0 %  ··········       -        0",
    "up 1 min 31 s, 7.3 calls a second, 1 deadlocks prevented",
  ]);
});

test("watch fits a small terminal, in width and height", () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`lock-${n}`, busy]));
  const lines = renderWatch(answer(many), undefined, { width: 70, height: 10 });
  expect(lines.length).toBeLessThan(10);
  expect(lines.at(-2)).toBe("and 24 more");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(70);
});

const graph: LockGraphAnswer = {
  owners: [
    {
      owner: 'rpc "x" & <y> #1',
      thread: 0,
      holds: [{ lock: "chain", mode: "write", site: "connect", heldMs: 1_250 }],
      waitsFor: { lock: "co\\ins", mode: "read", site: "walk" },
    },
    { owner: "worker; end #2", thread: 3, holds: [{ lock: "co\\ins", mode: "write", site: "" }] },
  ],
  edges: [{ from: 'rpc "x" & <y> #1', to: "worker; end #2", lock: "co\\ins" }],
};

test("the graph as text names holder, waiter, mode, site and since when", () => {
  expect(graphText(graph).split("\n")).toEqual([
    'rpc "x" & <y> #1 (thread 0)',
    "  holds chain (write, at connect, for 1.3 s)",
    "  waits for co\\ins (read, at walk), held by worker; end #2",
    "worker; end #2 (thread 3)",
    "  holds co\\ins (write)",
  ]);
  expect(graphText({ owners: [], edges: [] })).toBe("no lock is held or waited for");
});

test("the graph as DOT: names are quoted, every arrow joins two declared nodes", () => {
  expect(graphDot(graph).split("\n")).toEqual([
    "digraph locks {",
    "  rankdir=LR;",
    '  strand0 [shape=box, label="rpc \\"x\\" &amp; <y> #1"];',
    '  strand1 [shape=box, label="worker; end #2"];',
    '  lock0 [shape=ellipse, label="chain"];',
    '  lock1 [shape=ellipse, label="co\\\\ins"];',
    '  lock0 -> strand0 [label="held to write"];',
    '  strand0 -> lock1 [style=dashed, label="waits to read"];',
    '  lock1 -> strand1 [label="held to write"];',
    "}",
  ]);
  expect(graphDot({ owners: [], edges: [] })).toBe("digraph locks {\n  rankdir=LR;\n}");
});

test("the graph as Mermaid: what could mean something to Mermaid is a code point", () => {
  expect(graphMermaid(graph).split("\n")).toEqual([
    "flowchart LR",
    '  strand0["rpc #34;x#34; #38; #60;y#62; #35;1"]',
    '  strand1["worker#59; end #35;2"]',
    '  lock0(["chain"])',
    '  lock1(["co#92;ins"])',
    '  lock0 -->|"held to write"| strand0',
    '  strand0 -.->|"waits to read"| lock1',
    '  lock1 -->|"held to write"| strand1',
  ]);
  expect(graphMermaid({ owners: [], edges: [] })).toBe('flowchart LR\n  nothing["no lock is held or waited for"]');
});
