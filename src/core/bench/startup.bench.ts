import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Session } from "../sessions/session.ts";
import { type BenchRow, median, row } from "./report.ts";

const RUNS = 11;
const PROGRAM = fileURLToPath(new URL("../../../bin/run.js", import.meta.url));
/** Makes a process tell its own CPU milliseconds on descriptor 3 when it ends. */
const METER = `data:text/javascript,${encodeURIComponent(
  'import fs from "node:fs"; process.on("exit", () => { const { user, system } = process.cpuUsage(); fs.writeSync(3, String((user + system) / 1e3)); });',
)}`;

/** CPU milliseconds of whole processes, against a Node that does nothing. Needs what `npm run build` makes. */
export async function rows(): Promise<readonly BenchRow[]> {
  await using node = await silentNode();
  const bare = await cpuMs(["-e", "0"], node.home);
  const reference = { name: "bare Node", value: median(bare) };
  const program = async (name: string, args: readonly string[], bound: number) =>
    row({
      name,
      unit: "ms CPU",
      samples: await cpuMs([PROGRAM, ...args], node.home),
      reference,
      goal: { on: "ratio", sign: "<=", bound },
    });
  return [
    await program("chaincore --version", ["--version"], 1.6),
    await program("chaincore --help", ["--help"], 4),
    await program("chaincore mempool, asked of a node", ["mempool", "--json"], 6),
  ];
}

async function cpuMs(args: readonly string[], home: string): Promise<number[]> {
  const samples: number[] = [];
  for (let run = -1; run < RUNS; run++) {
    const ms = await cpuMsOnce(args, home);
    if (run >= 0) samples.push(ms); // The first run fills the compile cache.
  }
  return samples;
}

function cpuMsOnce(args: readonly string[], home: string): Promise<number> {
  const env = { ...process.env, CHAINCORE_HOME: home, NO_COLOR: "1" };
  const child = spawn(process.execPath, ["--import", METER, ...args], { env, stdio: ["ignore", "ignore", "inherit", "pipe"] });
  let told = "";
  child.stdio[3]!.on("data", (chunk: Buffer) => {
    told += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(Number(told)) : reject(new Error(`${args.join(" ")} ended with ${code}`)),
    );
  });
}

/** A node that costs nothing: an admin socket that always gives the same answer, and its entry in a registry. */
async function silentNode(): Promise<{ home: string } & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), "chaincore-bench-"));
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const session = await Session.open({ home, name: "default", clock });
  const socket = await session.socketPath("core0");
  const answer = JSON.stringify({ transactions: 0, bytes: 0, bytesMax: 1, feesSats: 0, feeRateMin: 0, entries: [] });
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  await session.registry.register({
    node_id: "core0",
    api_port: 0,
    p2p_port: 0,
    socket,
    cookie: "",
    api_url: null,
    p2p_url: null,
  });
  return {
    home,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      await rm(home, { recursive: true, force: true });
    },
  };
}
