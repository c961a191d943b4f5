import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { assert } from "../errors.ts";
import { startNode } from "../node/node.ts";
import type { ClientJob, ClientReport } from "./api-client.ts";
import type { CrowdPlace, CrowdReport } from "./hostile-crowd.ts";
import { type BenchRow, quantile, row } from "./report.ts";

const SOCKETS = 1_000;
/** A run's calls, one after the other, as a person or a script asks. */
const CALLS = 3_000;
const RUNS = 5;
const METHODS = ["getblockcount", "getpeerinfo", "getmempoolinfo", "getblockchaininfo"];

const fileOf = (name: string) => new URL(import.meta.url.endsWith(".ts") ? `./${name}.ts` : `./${name}.js`, import.meta.url);

/**
 * What a call of the API takes while a crowd is at the peer port of the same node: attackers and caller on threads of their own, so
 * that the node's thread does the node's work alone. With fewer than three cores they take turns, and the figure is an upper bound.
 */
export async function attackRows(): Promise<readonly BenchRow[]> {
  const home = await mkdtemp(join(tmpdir(), "chaincore-bench-attack-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const options = { home, apiPort: 0, p2pPort: 0, verifiers: 0, log: { level: "silent" as const } };
  const node = stack.adopt(await startNode(options), (node) => node.stop());
  const { urls, cookie } = node.status();
  const job: ClientJob = {
    url: urls.api!,
    credentials: (await readFile(cookie, "utf8")).trim(),
    bodies: Array.from({ length: CALLS }, (_, n) => JSON.stringify({ method: METHODS[n % METHODS.length] })),
    connections: 1,
  };
  const client = stack.adopt(new Worker(fileOf("api-client")), async (worker) => void (await worker.terminate()));
  await ask<ClientReport>(client, job); // Warm.
  const calm = await latencies(client, job);
  const place: CrowdPlace = { port: Number(new URL(urls.p2p!).port), sockets: SOCKETS };
  const crowd = stack.adopt(
    new Worker(fileOf("hostile-crowd"), { workerData: place }),
    async (worker) => void (await worker.terminate()),
  );
  let report: CrowdReport;
  do report = await ask<CrowdReport>(crowd, "report");
  while (report.connections < SOCKETS);
  const attacked: (readonly number[])[] = [];
  for (let run = 0; run < RUNS; run++) attacked.push(await latencies(client, job));
  report = await ask<CrowdReport>(crowd, "report");
  assert(report.cut > 0, "a node cuts off whoever is one too many");
  const name = `API call while ${SOCKETS} hostile sockets are at the peer port`;
  const share = (part: number) => attacked.map((ms) => quantile(ms, part));
  const reference = (part: number) => ({ name: "the same without them", value: quantile(calm, part) });
  return [
    row({ name: `${name}, median`, unit: "ms", samples: share(0.5), reference: reference(0.5) }),
    row({
      ...{ name: `${name}, p99`, unit: "ms", samples: share(0.99), reference: reference(0.99) },
      goal: { on: "value", sign: "<=", bound: 100 },
    }),
  ];
}

async function latencies(client: Worker, job: ClientJob): Promise<readonly number[]> {
  const { callsMs, error } = await ask<ClientReport>(client, job);
  assert(error === undefined, `the API answered ${error}`);
  return callsMs;
}

async function ask<R>(worker: Worker, question: unknown): Promise<R> {
  worker.postMessage(question);
  const [answer] = (await once(worker, "message")) as [R];
  return answer;
}
