import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ChainCoreError } from "../errors.ts";
import { sessionFolder } from "../files/paths.ts";
import { isSameProcess } from "../files/process-identity.ts";

/** Versions of session_metadata.json that this release reads; sessions/ migrates older ones when it writes. */
export const SCHEMA_VERSION = 1;
export const METADATA_FILE = "session_metadata.json";

/** A registered node, as it stands in the file. Programs of later releases may have added fields: they are kept. */
export interface NodeEntry {
  readonly node_id: string;
  readonly api_port: number;
  readonly p2p_port: number;
  /** ISO 8601, as all times here. */
  readonly registration_time: string;
  readonly last_seen: string;
  readonly is_active: boolean;
  readonly pid: number;
  /** With the pid it names one process: pids are used again. Null where the system does not tell. */
  readonly pid_started: string | null;
  readonly socket: string;
  readonly cookie: string;
  readonly api_url: string | null;
  readonly p2p_url: string | null;
  /** Number of the node's account in the session's mnemonic. */
  readonly account: number;
}

export interface SessionMetadata {
  readonly schema_version: number;
  readonly name: string;
  readonly created: string;
  /** Grows by one with each write. */
  readonly revision: number;
  readonly network: string;
  /** A network of one's own, as `consensus/chain-spec` reads it. */
  readonly chain_spec: Readonly<Record<string, unknown>> | null;
  /** How many nodes `session up` starts when it is not told. */
  readonly nodes_wanted?: number;
  readonly nodes: readonly NodeEntry[];
  /** Miners that `session up` has started. */
  readonly miners?: readonly MinerEntry[];
}

/** A process that mines for a node. */
export interface MinerEntry {
  readonly node_id: string;
  readonly pid: number;
  /** With the pid it names one process. */
  readonly pid_started: string | null;
}

export function metadataPath(home: string, session: string): string {
  return join(sessionFolder(home, session), METADATA_FILE);
}

/**
 * The registry as last written, without a lock: writers replace the file whole. Undefined where there is none.
 * @throws ChainCoreError bad-session-metadata, session-too-new, bad-environment
 */
export async function findSessionMetadata(home: string, session: string): Promise<SessionMetadata | undefined> {
  const path = metadataPath(home, session);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    throw new ChainCoreError("bad-environment", `cannot read ${path} (${code}); check its owner and mode`, { cause: error });
  }
  return parseMetadata(text, path);
}

/** Names of the sessions under a home, sorted. */
export async function listSessions(home: string): Promise<readonly string[]> {
  const entries = await readdir(join(home, "sessions"), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
}

/** Text to metadata of any known schema version, unknown fields included. */
export function parseMetadata(text: string, path: string): SessionMetadata {
  let value: Partial<SessionMetadata> | null;
  try {
    value = JSON.parse(text) as Partial<SessionMetadata> | null;
  } catch (error) {
    throw badMetadata(path, "is no JSON", error);
  }
  if (value === null || typeof value !== "object" || !Array.isArray(value.nodes)) throw badMetadata(path, "lists no nodes");
  const version = value.schema_version ?? 0; // The guide's own shape had none.
  if (!Number.isSafeInteger(version) || version < 0) throw badMetadata(path, "has no schema version");
  if (version > SCHEMA_VERSION) {
    throw new ChainCoreError(
      "session-too-new",
      `${path} was written by a newer chaincore (schema ${version}, this one knows ${SCHEMA_VERSION}); update chaincore or use another session`,
      { detail: { path, version } },
    );
  }
  return value as SessionMetadata;
}

/** True while the very process that registered still runs; says nothing of its health. */
export function isRunning(node: NodeEntry): boolean {
  return node.is_active && isSameProcess(node.pid, node.pid_started);
}

function badMetadata(path: string, why: string, cause?: unknown): ChainCoreError {
  return new ChainCoreError(
    "bad-session-metadata",
    `${path} ${why}; move it away (its nodes register again when they start) or remove the session`,
    { detail: { path }, cause },
  );
}
