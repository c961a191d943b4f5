import { readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { currentSession, type Place } from "../client/find-node.ts";
import { findSessionMetadata, listSessions, type NodeEntry } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { fileSystemOf } from "../files/file-system.ts";
import { ensurePrivateFolder, nodeFolder, sessionFolder } from "../files/paths.ts";
import { socketPath } from "../files/socket-path.ts";
import { bestKernel } from "../mining/kernel-module.ts";
import type { EngineName } from "../verify/engine.ts";
import { defaultSignatureEngine } from "../verify/signature-engine.ts";
import { nodeMemory, sessionFindings, unfinished, writablePaths } from "./examine-session.ts";
import type { Finding } from "./finding.ts";

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
    ...(home.state === "error" ? [] : [await fileSystem(place.home), await clockSkew(place.home), await freeDisk(place.home)]),
    socketLength(place.home, session, place.node ?? "core0"),
    await mnemonicMode(place.home, session),
    await writablePaths(
      place.home,
      session,
      await nodesOf(place.home, session).then((found) => (found instanceof Error ? [] : found)),
    ),
    ...(await unfinished(place.home)),
    ...(await registries(place.home)),
  ];
}

function nodeVersion(): Finding {
  const text = `${process.version} on ${process.platform}-${process.arch}, ${availableParallelism()} cores`;
  return { subject: "node", state: "ok", text }; // An older one does not get as far as here.
}

function engines(): Finding {
  const signatures = signatureEngine();
  if (signatures instanceof ChainCoreError) {
    const remedy = "unset CHAINCORE_SIGNATURES, or give what it asks for";
    return { subject: "engines", state: "error", text: signatures.message, remedy };
  }
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

function signatureEngine(): EngineName | ChainCoreError {
  try {
    return defaultSignatureEngine().name;
  } catch (error) {
    if (error instanceof ChainCoreError) return error;
    throw error;
  }
}

/** The soft limit, where the system tells. */
async function descriptors(): Promise<Finding> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (limit === undefined) return { subject: "descriptors", state: "ok", text: "this system does not tell" };
  const enough = limit === "unlimited" || Number(limit) >= DESCRIPTORS_WISHED;
  const text = `${limit} open files allowed`;
  const remedy = `run "ulimit -n ${DESCRIPTORS_WISHED}" in the shell that starts nodes`;
  return enough ? { subject: "descriptors", state: "ok", text } : { subject: "descriptors", state: "warning", text, remedy };
}

function memory(): Finding {
  const heap = getHeapStatistics();
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const enough = freemem() >= FREE_MEMORY_BYTES_WISHED;
  const text = `${mb(freemem())} of ${mb(totalmem())} free; heap ${mb(heap.used_heap_size)} of at most ${mb(heap.heap_size_limit)}, rss ${mb(process.memoryUsage.rss())}`;
  const remedy = "a node wants about 120 MB: close other programs or start fewer nodes";
  return enough ? { subject: "memory", state: "ok", text } : { subject: "memory", state: "warning", text, remedy };
}

async function homeFinding(home: string): Promise<Finding> {
  try {
    await ensurePrivateFolder(home);
    return { subject: "home", state: "ok", text: `${home} is ours and writable` };
  } catch (error) {
    if (!(error instanceof ChainCoreError)) throw error;
    return refusal("home", error);
  }
}

/** Our sentences say what is wrong, a semicolon, and what to do. */
function refusal(subject: string, { message }: ChainCoreError): Finding {
  const [text = "", remedy = "choose another home with CHAINCORE_HOME"] = message.split("; ");
  return { subject, state: "error", text, remedy };
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
  const text = `${Math.round((bavail * bsize) / 1e6)} MB free at ${home}`;
  const remedy = "make room, or choose another home with CHAINCORE_HOME: a full disk stops a node";
  return enough ? { subject: "disk", state: "ok", text } : { subject: "disk", state: "warning", text, remedy };
}

function socketLength(home: string, session: string, node: string): Finding {
  const folder = nodeFolder(home, session, node);
  try {
    const path = socketPath(folder, process.env);
    const moved = dirname(path) === folder ? "" : ", for the node's folder has too long a path";
    return { subject: "socket", state: "ok", text: `${path}${moved}` };
  } catch (error) {
    if (!(error instanceof ChainCoreError)) throw error;
    return refusal("socket", error);
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

/** Per session: is its registry readable, and what of it is not as it should be. */
async function registries(home: string): Promise<Finding[]> {
  const names = await listSessions(home).catch(() => []);
  const findings = names.map(async (name) => {
    const nodes = await nodesOf(home, name);
    if (!(nodes instanceof Error)) return [...(await sessionFindings(home, name, nodes)), ...(await nodeMemory(name, nodes))];
    const remedy = `move it away or run "chaincore session remove ${name}"`;
    return [{ subject: `session ${name}`, state: "error", text: nodes.message, remedy } satisfies Finding];
  });
  return (await Promise.all(findings)).flat();
}

async function nodesOf(home: string, name: string): Promise<readonly NodeEntry[] | Error> {
  try {
    return (await findSessionMetadata(home, name))?.nodes ?? [];
  } catch (error) {
    return error as Error;
  }
}

/** A file system that nobody knows may have another machine behind it. */
async function fileSystem(home: string): Promise<Finding> {
  const subject = "file system";
  const verdict = await fileSystemOf(home);
  if (verdict.kind === "local") return { subject, state: "ok", text: `${home} is on a local one` };
  const text = `${home} is on ${verdict.name}, of which it cannot be told whether another machine shares it`;
  return {
    subject,
    state: "warning",
    text,
    remedy: "put the home on a disk of this machine (CHAINCORE_HOME), or use it from here only",
  };
}
