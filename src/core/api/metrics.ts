import type { Registry } from "prom-client";
import type { LockStats } from "../locks/snapshot.ts";
import type { LoadMeter } from "./load.ts";
import type { ApiDeps } from "./ports.ts";

/** `GET /metrics` in Prometheus' text form. The library is loaded with the first request: a node that nobody scrapes pays nothing. */
export class Metrics {
  readonly #deps: ApiDeps;
  readonly #load: LoadMeter;
  #registry: Promise<Registry> | undefined;

  constructor(deps: ApiDeps, load: LoadMeter) {
    this.#deps = deps;
    this.#load = load;
  }

  async text(): Promise<{ readonly type: string; readonly body: string }> {
    this.#registry ??= this.#build();
    const registry = await this.#registry;
    return { type: registry.contentType, body: await registry.metrics() };
  }

  async #build(): Promise<Registry> {
    const { collectDefaultMetrics, Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    collectDefaultMetrics({ register: registry, prefix: "chaincore_" });
    const { chain, pool, peers, mining } = this.#deps;
    const gauge = (name: string, help: string, read: () => number) => {
      new Gauge({
        name: `chaincore_${name}`,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    };
    gauge("height", "Height of the best chain", () => chain.tip.height);
    gauge("coins", "Unspent outputs", () => chain.coins.count);
    gauge("mempool_transactions", "Transactions that wait", () => pool.size);
    gauge("mempool_bytes", "Virtual bytes that wait", () => pool.bytes);
    gauge("peers", "Connected peers", () => peers?.connected ?? 0);
    gauge("hashes_per_second", "Hash rate of this node's miners", () => mining?.hashesPerSecond ?? 0);
    this.#addCalls(registry, Gauge);
    this.#addLocks(registry, Gauge);
    return registry;
  }

  #addCalls(registry: Registry, Gauge: typeof import("prom-client").Gauge): void {
    const load = this.#load;
    new Gauge({
      name: "chaincore_rpc_calls",
      help: "Calls answered, by method and whether they failed",
      labelNames: ["method", "outcome"],
      registers: [registry],
      collect() {
        for (const [method, { calls, errors }] of load.methods()) {
          this.set({ method, outcome: "ok" }, calls - errors);
          this.set({ method, outcome: "error" }, errors);
        }
      },
    });
  }

  #addLocks(registry: Registry, Gauge: typeof import("prom-client").Gauge): void {
    const { locks } = this.#deps;
    const gauge = (name: string, help: string, of: (lock: LockStats) => number) => {
      new Gauge({
        name: `chaincore_lock_${name}`,
        help,
        labelNames: ["lock"],
        registers: [registry],
        collect() {
          for (const lock of Object.values(locks.getAllStats())) this.set({ lock: lock.name }, of(lock));
        },
      });
    };
    gauge("acquisitions", "Acquisitions", (lock) => lock.acquisitions);
    gauge("contentions", "Acquisitions that found the lock taken", (lock) => lock.contentions);
    gauge("wait_seconds_max", "Longest wait", (lock) => lock.waitMaxMs / 1000);
    gauge("deadlock_attempts", "Waits that would have closed a cycle", (lock) => lock.deadlockAttempts);
  }
}
