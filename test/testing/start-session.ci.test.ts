import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { isSameProcess, processStartTime } from "../../src/core/files/process-identity.ts";
import { startSession } from "../../src/core/testing.ts";

interface Metadata {
  readonly pid: number;
}

async function pidsOf(nodes: Awaited<ReturnType<typeof startSession>>["nodes"]): Promise<readonly number[]> {
  return await Promise.all(nodes.map(async ({ admin }) => (await admin.get<Metadata>("/v1/status")).pid));
}

test("a session for a test: nodes are linked, mine, agree, and leave nothing behind", async () => {
  let home = "";
  let pids: readonly number[] = [];
  {
    await using net = await startSession({ nodes: 3 });
    home = net.home;
    pids = await pidsOf(net.nodes);
    const [first] = net.nodes;
    const hashes = await first!.mine(5);
    expect(await net.agree()).toBe(hashes.at(-1));
    await expect(first!.rpc("getblockhash", 99)).rejects.toMatchObject({ code: "rpc-error", detail: { number: -8 } });
  }
  expect(existsSync(home)).toBe(false);
  expect(pids.filter((pid) => isSameProcess(pid, processStartTime(pid)))).toEqual([]);
});

test("four sessions at once meet nowhere", async () => {
  const heights = await Promise.all(
    [1, 2, 3, 4].map(async (blocks) => {
      await using net = await startSession({ nodes: 2 });
      await net.nodes[1]!.mine(blocks);
      await net.agree();
      return await net.nodes[0]!.rpc("getblockcount");
    }),
  );
  expect(heights).toEqual([1, 2, 3, 4]);
});

test("when the runner is killed, its nodes end by themselves", async () => {
  const door = new URL("../../src/core/testing.ts", import.meta.url).href;
  const script = `import { startSession } from ${JSON.stringify(door)};
    const net = await startSession({ nodes: 2 });
    const pids = await Promise.all(net.nodes.map(async ({ admin }) => (await admin.get("/v1/status")).pid));
    console.log(JSON.stringify(pids));
    setInterval(() => {}, 1000);`;
  const runner = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: runner.stdout }), "line")) as [string];
  const alive = (JSON.parse(line) as number[]).map((pid) => ({ pid, started: processStartTime(pid) }));
  expect(alive.every(({ pid, started }) => isSameProcess(pid, started))).toBe(true);
  const from = performance.now();
  runner.kill("SIGKILL");
  while (alive.some(({ pid, started }) => isSameProcess(pid, started))) {
    if (performance.now() - from > 50_000) throw new Error("a node has outlived its runner");
    await sleep(20);
  }
  console.log(`nodes ended ${(performance.now() - from).toFixed(0)} ms after their runner was killed`);
});

test("a private network with a spacing of its own comes up, and its miners move it", async () => {
  await using net = await startSession({ nodes: 2, miners: 1, targetSpacingSeconds: 2 });
  const { chain } = await net.nodes[0]!.rpc<{ chain: string }>("getblockchaininfo");
  expect(chain).toBe("private-test");
  const from = performance.now();
  while ((await net.nodes[1]!.rpc<number>("getblockcount")) < 3) {
    if (performance.now() - from > 100_000) throw new Error("no blocks come");
    await sleep(50);
  }
});
