import { readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { currentSession, type Place } from "../client/find-node.ts";
import { findSessionMetadata, isRunning, listSessions, metadataPath, type NodeEntry } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { FileLock } from "../files/file-lock.ts";
import { ensurePrivateFolder, nodeFolder, sessionFolder } from "../files/paths.ts";
import { socketPath } from "../files/socket-path.ts";
import { bestKernel } from "../mining/kernel-module.ts";
import { defaultSignatureEngine } from "../verify/signature-engine.ts";
import { findOrphans, isLockLeftBehind } from "./leftovers.ts";

/** One thing that was looked at. `remedy` says what to do where the state is not "ok". */
export interface Finding {
  readonly subject: string;
  readonly state: "ok" | "warning" | "error";
  readonly text: string;
  readonly remedy?: string;
}

/** 4,096: two for each of 1,000 connections, LevelDB's files and room. */
const DESCRIPTORS_WISHED = 4_096;
const FREE_DISK_BYTES_WISHED = 1_000_000_000;
const FREE_MEMORY_BYTES_WISHED = 500_000_000;
const CLOCK_SKEW_MS_MAX = 2_000;

/** Looks for what keeps nodes of a session from working well. Makes the home where there is none; changes nothing else. */
export async function examine(place: Place): Promise<readonly Finding[]> {
  const session = await currentSession(place);
  const home = await homeFinding(place.home);
  return [
    nodeVersion(),
    engines(),
    await descriptors(),
    memory(),
    home,
    ...(home.state === "error" ? [] : [await clockSkew(place.home), await freeDisk(place.home)]),
    socketLength(place.home, session, place.node ?? "core0"),
    await mnemonicMode(place.home, session),
    ...(await registries(place.home)),
  ];
}

function nodeVersion(): Finding {
  const text = `${process.version} on ${process.platform}-${process.arch}, ${availableParallelism()} cores`;
  return { subject: "node", state: "ok", text }; // An older one does not get as far as here.
}

function engines(): Finding {
  const signatures = defaultSignatureEngine().name;
  const mining = bestKernel();
  const text = `signatures ${signatures}, mining ${mining}`;
  if (signatures !== "pure" && mining !== "node-crypto") return { subject: "engines", state: "ok", text };
  return {
    subject: "engines",
    state: "warning",
    text,
    remedy:
      signatures === "pure"
        ? 'install with optional packages ("npm ci"), so that the native signature engine is found'
        : "use a Node with WebAssembly SIMD",
  };
}

/** The soft limit, where the system tells. */
async function descriptors(): Promise<Finding> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (limit === undefined) return { subject: "descriptors", state: "ok", text: "this system does not tell" };
  const enough = limit === "unlimited" || Number(limit) >= DESCRIPTORS_WISHED;
  return {
    subject: "descriptors",
    state: enough ? "ok" : "warning",
    text: `${limit} open files allowed`,
    ...(enough ? {} : { remedy: `run "ulimit -n ${DESCRIPTORS_WISHED}" in the shell that starts nodes` }),
  };
}

function memory(): Finding {
  const heap = getHeapStatistics();
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const enough = freemem() >= FREE_MEMORY_BYTES_WISHED;
  return {
    subject: "memory",
    state: enough ? "ok" : "warning",
    text: `${mb(freemem())} of ${mb(totalmem())} free; heap ${mb(heap.used_heap_size)} of at most ${mb(heap.heap_size_limit)}, rss ${mb(process.memoryUsage.rss())}`,
    ...(enough ? {} : { remedy: "a node wants about 120 MB: close other programs or start fewer nodes" }),
  };
}

async function homeFinding(home: string): Promise<Finding> {
  try {
    await ensurePrivateFolder(home);
    return { subject: "home", state: "ok", text: `${home} is ours and writable` };
  } catch (error) {
    if (!(error instanceof ChainCoreError)) throw error;
    const [text = "", remedy] = error.message.split("; ");
    return { subject: "home", state: "error", text, ...(remedy ? { remedy } : {}) };
  }
}

/** A file's time comes from the file system; where that is another machine's, locks by time are not to be trusted. */
async function clockSkew(home: string): Promise<Finding> {
  const probe = join(home, `.probe-${process.pid}`);
  await writeFile(probe, "", { mode: 0o600 });
  const skewMs = Math.round(Math.abs((await stat(probe)).mtimeMs - Date.now()));
  await rm(probe, { force: true });
  if (skewMs <= CLOCK_SKEW_MS_MAX)
    return { subject: "clock", state: "ok", text: `file times agree with it within ${CLOCK_SKEW_MS_MAX} ms` };
  return {
    subject: "clock",
    state: "warning",
    text: `file times in ${home} are ${skewMs} ms off`,
    remedy: "put the home on a local disk (CHAINCORE_HOME) or set the clock right",
  };
}

async function freeDisk(home: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(home);
  const enough = bavail * bsize >= FREE_DISK_BYTES_WISHED;
  return {
    subject: "disk",
    state: enough ? "ok" : "warning",
    text: `${Math.round((bavail * bsize) / 1e6)} MB free at ${home}`,
    ...(enough ? {} : { remedy: "make room, or choose another home with CHAINCORE_HOME: a full disk stops a node" }),
  };
}

function socketLength(home: string, session: string, node: string): Finding {
  const folder = nodeFolder(home, session, node);
  try {
    const path = socketPath(folder, process.env);
    const moved = dirname(path) === folder ? "" : ", for the node's folder has too long a path";
    return { subject: "socket", state: "ok", text: `${path}${moved}` };
  } catch (error) {
    if (!(error instanceof ChainCoreError)) throw error;
    const [text = "", remedy] = error.message.split("; ");
    return { subject: "socket", state: "error", text, ...(remedy ? { remedy } : {}) };
  }
}

async function mnemonicMode(home: string, session: string): Promise<Finding> {
  const path = join(sessionFolder(home, session), "mnemonic");
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => undefined,
  );
  if (mode === undefined) return { subject: "mnemonic", state: "ok", text: `session "${session}" has none yet` };
  if ((mode & 0o077) === 0) return { subject: "mnemonic", state: "ok", text: "readable by you only" };
  return { subject: "mnemonic", state: "error", text: `${path} may be read by others`, remedy: `run "chmod 600 ${path}"` };
}

/** Per session: is its registry readable, who holds its lock, which nodes ended without a word. */
async function registries(home: string): Promise<Finding[]> {
  const names = await listSessions(home).catch(() => []);
  return (await Promise.all(names.map((name) => registryFindings(home, name)))).flat();
}

async function registryFindings(home: string, name: string): Promise<Finding[]> {
  const subject = `session ${name}`;
  let nodes: readonly NodeEntry[];
  try {
    nodes = (await findSessionMetadata(home, name))?.nodes ?? [];
  } catch (error) {
    return [
      {
        subject,
        state: "error",
        text: (error as Error).message,
        remedy: `move it away or run "chaincore session remove ${name}"`,
      },
    ];
  }
  const findings: Finding[] = [];
  const holder = new FileLock(metadataPath(home, name)).holder();
  if (holder) {
    const text = `process ${holder.pid} (${holder.command}) holds its lock since ${holder.since}`;
    findings.push({ subject, state: "warning", text, remedy: `if that does not end, end process ${holder.pid}` });
  }
  const lost = nodes.filter((node) => node.is_active && !isRunning(node)).map((node) => node.node_id);
  if (lost.length > 0) {
    const text = `ended without a word: ${lost.join(", ")}`;
    findings.push({
      subject,
      state: "warning",
      text,
      remedy: `see their node.log; "chaincore node -s ${name} --node-id ${lost[0]}" starts one again`,
    });
  }
  findings.push(...(await leftovers(home, name, nodes)));
  const running = nodes.filter(isRunning).length;
  return findings.length > 0 ? findings : [{ subject, state: "ok", text: `${running} of ${nodes.length} nodes run` }];
}

async function leftovers(home: string, name: string, nodes: readonly NodeEntry[]): Promise<Finding[]> {
  const subject = `session ${name}`;
  const findings = (await findOrphans(home, name, nodes)).map(
    ({ pid, node }): Finding => ({
      subject,
      state: "warning",
      text: `process ${pid} works in the folder of ${node}, but the registry does not know it`,
      remedy: `end it with "kill ${pid}", then start ${node} again`,
    }),
  );
  if (!isLockLeftBehind(home, name)) return findings;
  const remedy = "none needed: the next change of the registry removes it";
  return [...findings, { subject, state: "warning", text: "its lock was left behind by a process that is gone", remedy }];
}
