import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { isSameProcess, processStartTime } from "../../src/core/files/process-identity.ts";

const WORKERS = 32;
const door = new URL("../../src/core/testing.ts", import.meta.url).href;

/** As a vitest worker has it: a process with a session of its own, which tells where it is and goes on when it is told to. */
const body = `
  import { createInterface } from "node:readline";
  import { once } from "node:events";
  import { startSession } from ${JSON.stringify(door)};
  const net = await startSession({ nodes: 1 });
  const { pid, urls } = await net.nodes[0].admin.get("/v1/status");
  await net.nodes[0].mine(Number(process.env.WORKER) + 1);
  const height = await net.nodes[0].rpc("getblockcount");
  console.log(JSON.stringify({ home: net.home, pid, urls, height }));
  await once(createInterface({ input: process.stdin }), "line");
  await net.stop();
  process.exit(0);`;

interface Told {
  readonly home: string;
  readonly pid: number;
  readonly urls: { readonly api: string; readonly p2p: string };
  readonly height: number;
}

test("32 workers, each with a session of its own: no port and no path is shared; after kill -9 of half no process remains", async () => {
  const workers: ChildProcess[] = [];
  try {
    for (let n = 0; n < WORKERS; n++) {
      const env = { ...process.env, WORKER: String(n) };
      workers.push(
        spawn(process.execPath, ["--input-type=module-typescript", "-e", body], { env, stdio: ["pipe", "pipe", "inherit"] }),
      );
    }
    const told = await Promise.all(
      workers.map(
        async ({ stdout }) => JSON.parse(((await once(createInterface({ input: stdout! }), "line")) as [string])[0]) as Told,
      ),
    );
    const distinct = (of: (one: Told) => string | number) => new Set(told.map(of)).size;
    expect([distinct(({ home }) => home), distinct(({ urls }) => urls.api), distinct(({ urls }) => urls.p2p)]).toEqual([
      32, 32, 32,
    ]);
    expect(told.map(({ height }) => height)).toEqual(Array.from({ length: WORKERS }, (_, n) => n + 1));
    const alive = told.slice(0, WORKERS / 2).map(({ pid }) => ({ pid, started: processStartTime(pid) }));
    const from = performance.now();
    for (const worker of workers.slice(0, WORKERS / 2)) worker.kill("SIGKILL");
    while (alive.some(({ pid, started }) => isSameProcess(pid, started))) {
      if (performance.now() - from > 50_000) throw new Error("a node has outlived its runner");
      await sleep(20);
    }
    console.info(`16 nodes ended ${(performance.now() - from).toFixed(0)} ms after their runners were killed`);
    const rest = workers.slice(WORKERS / 2);
    for (const { stdin } of rest) stdin!.write("go\n");
    expect(await Promise.all(rest.map(async (worker) => ((await once(worker, "exit")) as [number])[0]))).toEqual(
      Array(16).fill(0),
    );
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
  }
});
