import { access, constants, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isRunning, metadataPath, type NodeEntry } from "../client/session-metadata.ts";
import { findUnfinished } from "../client/unfinished.ts";
import { FileLock } from "../files/file-lock.ts";
import { nodeFolder, sessionFolder } from "../files/paths.ts";
import { socketPath } from "../files/socket-path.ts";
import type { Finding } from "./finding.ts";
import { statusOf } from "./launcher.ts";
import { findOrphans, isLockLeftBehind } from "./leftovers.ts";

/** Beyond this a node holds more than a long regtest chain needs. */
const NODE_RSS_BYTES_WISHED = 2_000_000_000;

/** What each node of a session that runs takes: as it says itself. */
export async function nodeMemory(session: string, nodes: readonly NodeEntry[]): Promise<Finding[]> {
  return await Promise.all(nodes.filter(isRunning).map((entry) => memoryOf(session, entry)));
}

async function memoryOf(session: string, entry: NodeEntry): Promise<Finding> {
  const { node_id, pid } = entry;
  const subject = `node ${node_id}`;
  const memory = (await statusOf(entry))?.memory;
  if (memory === undefined) {
    const remedy = `see "chaincore session logs -s ${session}"; if it stays so, end it with "kill ${pid}"`;
    return { subject, state: "warning", text: `process ${pid} of session ${session} runs, but does not answer`, remedy };
  }
  const text = `session ${session}: rss ${mb(memory.rssBytes)}, heap ${mb(memory.heapBytes)}`;
  if (memory.rssBytes <= NODE_RSS_BYTES_WISHED) return { subject, state: "ok", text };
  const remedy = `drop snapshots that are not needed ("chaincore snapshot list"), or restart it`;
  return { subject, state: "warning", text, remedy };
}

const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** Every folder that a session's nodes write to. Those that do not stand yet are made when they are needed. */
export async function writablePaths(home: string, session: string, nodes: readonly NodeEntry[]): Promise<Finding> {
  const folders = [
    join(home, "sessions"),
    sessionFolder(home, session),
    ...nodes.flatMap(({ node_id }) => {
      const folder = nodeFolder(home, session, node_id);
      return [folder, join(folder, "blocks"), join(folder, "db"), socketFolder(folder)];
    }),
    tmpdir(),
  ].filter((folder) => folder !== undefined);
  const refused = (
    await Promise.all([...new Set(folders)].map(async (folder) => ((await isWritable(folder)) ? [] : [folder])))
  ).flat();
  if (refused.length === 0) return { subject: "paths", state: "ok", text: `all folders of session "${session}" are writable` };
  return {
    subject: "paths",
    state: "error",
    text: `may not be written by you: ${refused.join(", ")}`,
    remedy: `give them back to yourself ("chown -R $(id -u) ${refused[0]}", "chmod -R u+rwX ${refused[0]}"), or choose another home with CHAINCORE_HOME`,
  };
}

function socketFolder(folder: string): string | undefined {
  try {
    return dirname(socketPath(folder, process.env));
  } catch {
    return undefined; // Too long: a finding of its own.
  }
}

/** By mode and owner; root may write anywhere, so that for root only what belongs to others tells. */
async function isWritable(folder: string): Promise<boolean> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? undefined : null));
  if (found === undefined) return true;
  if (found === null || !found.isDirectory()) return false;
  return await access(folder, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What a kill has left of a whole session's file or folder. */
export async function unfinished(home: string): Promise<Finding[]> {
  const commands = { imported: "session import", removed: "session remove", exporting: "session export" } as const;
  return (await findUnfinished(home)).map(({ kind, path }) => ({
    subject: "leftovers",
    state: "warning",
    text: `${path} was left by a killed "${commands[kind]}" and holds a mnemonic`,
    remedy: 'run "chaincore session list", which removes it',
  }));
}

/** Who holds the registry's lock, which nodes ended without a word, and what was left behind. */
export async function sessionFindings(home: string, name: string, nodes: readonly NodeEntry[]): Promise<Finding[]> {
  const subject = `session ${name}`;
  const warning = (text: string, remedy: string): Finding => ({ subject, state: "warning", text, remedy });
  const findings: Finding[] = [];
  const holder = new FileLock(metadataPath(home, name)).holder();
  if (holder) {
    const text = `process ${holder.pid} (${holder.command}) holds its lock since ${holder.since}`;
    findings.push(warning(text, `if that does not end, end process ${holder.pid}`));
  }
  const lost = nodes.filter((node) => node.is_active && !isRunning(node)).map((node) => node.node_id);
  if (lost.length > 0) {
    const remedy = `see their node.log; "chaincore node -s ${name} --node-id ${lost[0]}" starts one again`;
    findings.push(warning(`ended without a word: ${lost.join(", ")}`, remedy));
  }
  for (const { pid, node } of await findOrphans(home, name, nodes)) {
    const text = `process ${pid} works in the folder of ${node}, but the registry does not know it`;
    findings.push(warning(text, `end it with "kill ${pid}", then start ${node} again`));
  }
  if (isLockLeftBehind(home, name)) {
    const remedy = "none needed: the next change of the registry removes it";
    findings.push(warning("its lock was left behind by a process that is gone", remedy));
  }
  const running = nodes.filter(isRunning).length;
  return findings.length > 0 ? findings : [{ subject, state: "ok", text: `${running} of ${nodes.length} nodes run` }];
}
