/** The guide's examples of nodes, their environment and their logs, with our names (src/core/README.md has the table). */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { examine, type Finding, LOG_AREAS, parseLogLevels, startNode } from "../../src/core/index.ts";
import { NodeLog } from "../../src/core/node/log.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-guide-"));
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));

const started = () => startNode({ home, nodeId: "core0", apiPort: 0, p2pPort: 0 }); // The guide's 5000 and 8000 may be taken.

test('ThreadSafeNetworkNode(node_id="core0", api_port, p2p_port).start(discover_peers=True): it finds the session\'s other node', async () => {
  const node = await started();
  const other = await startNode({ home, nodeId: "core1", apiPort: 0, p2pPort: 0 });
  try {
    expect(node.status()).toMatchObject({ node: "core0", urls: { api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) } });
    await vi.waitFor(() => expect([node.status().peers, other.status().peers]).toEqual([1, 1]), 20_000);
  } finally {
    await Promise.all([node.stop(), other.stop()]);
  }
});

test.skipIf(process.platform !== "linux")(
  "ulimit -n 4096: fewer open files than that are found, with this very remedy; 4,096 are enough",
  async () => {
    const script = `
    const { examine } = await import(${JSON.stringify(new URL("../../src/core/index.ts", import.meta.url).href)});
    const findings = await examine({ home: ${JSON.stringify(home)} });
    console.log(JSON.stringify(findings.find(({ subject }) => subject === "descriptors")));`;
    const under = async (limit: number): Promise<Finding> => {
      const words = ["-c", `ulimit -n ${limit} && exec "$0" --input-type=module -e "$1"`, process.execPath, script];
      const child = spawn("sh", words, { stdio: ["ignore", "pipe", "inherit"] });
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      return JSON.parse(line.toString()) as Finding;
    };
    expect(await under(1_024)).toEqual({
      subject: "descriptors",
      state: "warning",
      text: "1024 open files allowed",
      remedy: 'run "ulimit -n 4096" in the shell that starts nodes',
    });
    expect(await under(4_096)).toMatchObject({ state: "ok" });
  },
);

test("chmod 755/644: stricter here, folders 0700 and files 0600, for a session holds keys", async () => {
  const node = await started();
  await node.stop();
  const modes = async (path: string) => (await stat(path)).mode & 0o777;
  const folder = join(home, "sessions", "default");
  for (const name of ["", "nodes", "nodes/core0"]) expect(await modes(join(folder, name)), name).toBe(0o700);
  for (const name of ["mnemonic", "session_metadata.json", "nodes/core0/node.log"])
    expect(await modes(join(folder, name)), name).toBe(0o600);
});

test("memory report: rss and heap of each running node in MB, and of the process that asks", async () => {
  const node = await started();
  try {
    const texts = (await examine({ home })).map(({ subject, text }) => `${subject}: ${text}`);
    expect(texts).toContainEqual(expect.stringMatching(/^node core0: session default: rss [1-9]\d* MB, heap [1-9]\d* MB$/));
    expect(texts).toContainEqual(expect.stringMatching(/^memory: .* heap \d+ MB of at most \d+ MB, rss [1-9]\d* MB$/));
    const { rssBytes, heapBytes } = node.status().memory; // tracemalloc's current figure; the peak is the system's affair.
    expect(rssBytes).toBeGreaterThan(heapBytes);
  } finally {
    await node.stop();
  }
});

test("debug logging: level, time, area and thread in each line of a file, and a level for each module", async () => {
  const file = join(home, "chaincore_debug.log");
  const log = new NodeLog({ file, ...parseLogLevels(["info", "locks=debug"]) });
  log.area("locks").debug({ lock: "chain" }, "acquired");
  log.area("chain").debug({}, "not for this level");
  log.area("chain").info({}, "connected");
  await vi.waitFor(async () => expect(await readdir(home)).toContain("chaincore_debug.log"));
  log.close();
  const lines = (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(lines).toEqual([
    expect.objectContaining({ level: 20, area: "locks", thread: "main", time: expect.any(Number), msg: "acquired" }),
    expect.objectContaining({ level: 30, area: "chain", thread: "main", msg: "connected" }),
  ]);
  expect(LOG_AREAS).toContain("chain");
});
