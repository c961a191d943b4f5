import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createApi } from "../api/api.ts";
import { chainReader } from "../api/chain-reader.ts";
import { serveApi } from "../api/http-server.ts";
import { poolReader } from "../api/pool-reader.ts";
import { bytesToHex } from "../encoding/hex.ts";
import { ChainCoreError } from "../errors.ts";
import { LockManager } from "../locks/manager.ts";
import { openParts } from "../node/open-parts.ts";
import type { NodeParts } from "../node/parts.ts";
import { blockSink, transactionSink } from "../node/sinks.ts";
import { SystemClock } from "../node/system.ts";
import type { Log } from "../ports.ts";
import type { ClientJob, ClientReport } from "./api-client.ts";
import { BENCH_NETWORK, BENCH_START, BlockSupply } from "./block-supply.ts";
import { threadCpuNs } from "./measure.ts";
import { type BenchRow, row } from "./report.ts";

/*
 * The API port over loopback: a node on this thread, its client on another. Wall time tells what a caller sees when both have a
 * core; CPU time of the node's thread tells what a call costs, whatever the neighbours do.
 */

const RUNS = 5;
const CALLS = 2_000;
const SENDS = 400;
const BATCH = 100;
const CREDENTIALS = "bench:bench";
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
const CLIENT_FILE = new URL(import.meta.url.endsWith(".ts") ? "./api-client.ts" : "./api-client.js", import.meta.url);

export async function rows(): Promise<readonly BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-bench-api-"));
  const client = new Worker(CLIENT_FILE);
  try {
    return await measure(directory, client);
  } finally {
    await client.terminate();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(directory: string, client: Worker): Promise<readonly BenchRow[]> {
  const { parts, close } = await openParts(
    { directory, params: BENCH_NETWORK, verifiers: 1, reindex: false },
    { clock: benchClock(), locks: new LockManager(), log: () => SILENT, fatal: fail },
  );
  const supply = new BlockSupply();
  const funding = supply.fund(3 * (RUNS + 1) * SENDS);
  await parts.locks.task("bench", (at) => parts.chain.acceptBlock(at, funding));
  const api = createApi(depsOf(parts));
  const server = await serveApi(api, { port: 0, credentials: CREDENTIALS });
  const bench = new ApiBench(client, server.url, supply);
  const all = [
    ...(await bench.roundTrip()),
    await bench.sends("sendrawtransaction, one client", 2_220, { connections: 1, batch: 1 }),
    await bench.sends("sendrawtransaction, batches of 100", 3_050, { connections: 1, batch: BATCH }),
    await bench.sends("sendrawtransaction, four clients", 3_760, { connections: 4, batch: 1 }),
  ];
  api.stop();
  await server.close();
  parts.journal.close();
  await close();
  return all;
}

class ApiBench {
  readonly #client: Worker;
  readonly #url: string;
  readonly #supply: BlockSupply;

  constructor(client: Worker, url: string, supply: BlockSupply) {
    this.#client = client;
    this.#url = url;
    this.#supply = supply;
  }

  async roundTrip(): Promise<readonly BenchRow[]> {
    const bodies = Array.from({ length: CALLS }, (_, id) => callText(id, "getblockcount", []));
    const [wall, cpu]: [number[], number[]] = [[], []];
    for (let run = -1; run < RUNS; run++) {
      const { wallMs, cpuMs } = await this.#run(bodies, 1);
      if (run < 0) continue;
      wall.push((wallMs * 1000) / CALLS);
      cpu.push((cpuMs * 1000) / CALLS);
    }
    const core = { name: "Bitcoin Core 31.1, its dearest simple call", value: 170 };
    return [
      row({ name: "round trip of getblockcount", unit: "us", samples: wall, reference: core }),
      row({
        name: "getblockcount, the node's thread",
        unit: "us CPU",
        samples: cpu,
        reference: core,
        goal: { on: "ratio", sign: "<=", bound: 1 },
      }),
    ];
  }

  /** Transactions per second of the node's thread that are checked, verified, pooled and journalled; `core` is Bitcoin Core's figure, per second of wall time. */
  async sends(name: string, core: number, { connections, batch }: { connections: number; batch: number }): Promise<BenchRow> {
    const rates: number[] = [];
    for (let run = -1; run < RUNS; run++) {
      const calls = this.#supply.loose(SENDS).map(({ raw }, id) => callText(id, "sendrawtransaction", [bytesToHex(raw)]));
      const bodies = batch === 1 ? calls : chunks(calls, batch).map((some) => `[${some.join(",")}]`);
      const { cpuMs } = await this.#run(bodies, connections);
      if (run >= 0) rates.push((SENDS * 1000) / cpuMs);
    }
    const reference = { name: "Bitcoin Core 31.1, self-checks off", value: core };
    return row({ name, unit: "tx per CPU second", samples: rates, reference, goal: { on: "ratio", sign: ">=", bound: 1 } });
  }

  async #run(bodies: readonly string[], connections: number): Promise<{ wallMs: number; cpuMs: number }> {
    const cpuBefore = threadCpuNs();
    const job: ClientJob = { url: this.#url, credentials: CREDENTIALS, bodies, connections };
    this.#client.postMessage(job);
    const [report] = (await once(this.#client, "message")) as [ClientReport];
    if (report.error !== undefined) throw new ChainCoreError("bench-answer", `the node refused a call: ${report.error}`);
    return { wallMs: report.wallMs, cpuMs: (threadCpuNs() - cpuBefore) / 1e6 };
  }
}

function callText(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({ id, method, params });
}

function chunks<T>(all: readonly T[], length: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) => all.slice(i * length, (i + 1) * length));
}

function benchClock(): SystemClock {
  const clock = new SystemClock();
  clock.setMock(BENCH_START + 10_000);
  return clock;
}

function fail(error: unknown): void {
  throw error;
}

function depsOf(parts: NodeParts): Parameters<typeof createApi>[0] {
  const { params, clock, entropy, events, locks, chain, mempool } = parts;
  const nothing = { api: null, p2p: null };
  const names = {
    node: "bench",
    session: "bench",
    version: "0",
    folder: "",
    socket: "",
    cookie: "",
    signatureEngine: "",
    kernel: "",
  };
  return {
    params,
    clock,
    entropy,
    events,
    locks,
    log: SILENT,
    chain: chainReader(chain),
    pool: poolReader(mempool, clock),
    transactions: transactionSink(parts),
    blocks: blockSink(parts),
    facts: () => ({ ...names, startedAt: BENCH_START as never, urls: nothing }),
    setMockTime: () => {},
    stop: () => {},
  };
}
