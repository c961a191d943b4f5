/*
 * The registry of a session: who belongs to it, in one file, session_metadata.json. Any process may read it at any time,
 * for it is replaced whole. Whoever changes it holds the file's lock from before it reads until its new version is on
 * disk, so no change is lost; a change is acknowledged when the promise resolves, and then survives a power failure.
 */
import { copyFile, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  isRunning,
  metadataPath,
  type NodeEntry,
  parseMetadata,
  SCHEMA_VERSION,
  type SessionMetadata,
} from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { removeTemporaryFiles, writeFileAtomic } from "../files/atomic-file.ts";
import { FileLock, type FileLockOptions } from "../files/file-lock.ts";
import { processStartTime } from "../files/process-identity.ts";
import type { Clock } from "../ports.ts";
import { migrate } from "./migrate.ts";

/** A registered node beats this often; three missed beats make it look ill to `session`. */
export const HEARTBEAT_MS = 5_000;

/** What a node says of itself when it registers; the rest of its entry is the registry's. */
export type NodeRegistration = Pick<NodeEntry, "node_id" | "api_port" | "p2p_port" | "socket" | "cookie" | "api_url" | "p2p_url">;

export interface SessionTerms {
  readonly network: string;
  readonly chain_spec: Readonly<Record<string, unknown>> | null;
}

export class Registry {
  readonly path: string;
  readonly lock: FileLock;
  readonly #name: string;
  readonly #clock: Clock;

  /** The session's folder stands already. */
  constructor(place: { readonly home: string; readonly session: string }, { clock }: { readonly clock: Clock }) {
    this.path = metadataPath(place.home, place.session);
    this.lock = new FileLock(this.path);
    this.#name = place.session;
    this.#clock = clock;
  }

  /** Takes the file that stands or writes the first one; `terms` count for a new session only. */
  async open(terms: SessionTerms, options: FileLockOptions = {}): Promise<SessionMetadata> {
    return await this.lock.withLock(async () => {
      await removeTemporaryFiles(dirname(this.path));
      const found = await this.#read();
      if (found?.schema_version === SCHEMA_VERSION) return found;
      if (found) await copyFile(this.path, `${this.path}.schema-${found.schema_version}.bak`);
      return await this.#write(found ? migrate(found, this.#name) : this.#first(terms));
    }, options);
  }

  /** @throws ChainCoreError no-such-session, bad-session-metadata */
  async read(): Promise<SessionMetadata> {
    const found = await this.#read();
    if (found) return found;
    throw new ChainCoreError(
      "no-such-session",
      `there is no session "${this.#name}"; make it with "chaincore session create ${this.#name}"`,
    );
  }

  /** Reads, changes and writes under the lock. `change` is pure: it gets the newest version and returns the next one. */
  async update(change: (now: SessionMetadata) => SessionMetadata, options: FileLockOptions = {}): Promise<SessionMetadata> {
    return await this.lock.withLock(async () => await this.#write(change(await this.read())), options);
  }

  /**
   * Enters this process as a node, or renews its entry.
   * @throws ChainCoreError node-already-runs when another process that runs has the id
   */
  async register(node: NodeRegistration): Promise<NodeEntry> {
    const written = await this.update((now) => {
      const known = now.nodes.find((entry) => entry.node_id === node.node_id);
      if (known && known.pid !== process.pid && isRunning(known)) throw alreadyRuns(this.#name, known);
      const time = this.#now();
      const entry: NodeEntry = {
        account: Math.max(-1, ...now.nodes.map((other) => other.account)) + 1,
        registration_time: time,
        ...known,
        ...node,
        last_seen: time,
        is_active: true,
        pid: process.pid,
        pid_started: processStartTime(process.pid),
      };
      return { ...now, nodes: known ? replace(now.nodes, entry) : [...now.nodes, entry] };
    });
    return written.nodes.find((entry) => entry.node_id === node.node_id)!;
  }

  /** A sign of life. Does nothing once another process has taken the id over. */
  async heartbeat(nodeId: string): Promise<void> {
    await this.#change(nodeId, { last_seen: this.#now() });
  }

  /** The node has ended cleanly; its entry stays, so that it finds its ports and account again. */
  async unregister(nodeId: string): Promise<void> {
    await this.#change(nodeId, { is_active: false, last_seen: this.#now() });
  }

  /** Marks the nodes whose processes are gone. Returns their ids. */
  async markEnded(): Promise<readonly string[]> {
    const ended = (await this.read()).nodes.filter((entry) => entry.is_active && !isRunning(entry)).map((entry) => entry.node_id);
    if (ended.length === 0) return ended;
    await this.update((now) => ({
      ...now,
      nodes: now.nodes.map((entry) => (entry.is_active && !isRunning(entry) ? { ...entry, is_active: false } : entry)),
    }));
    return ended;
  }

  /** Forgets nodes that ended longer ago than `expiredMs`. Their folders stay. */
  async prune(expiredMs: number): Promise<readonly string[]> {
    await this.markEnded();
    const limit = this.#clock.nowMs() - expiredMs;
    const expired = (entry: NodeEntry) => !entry.is_active && Date.parse(entry.last_seen) < limit;
    const gone = (await this.read()).nodes.filter(expired).map((entry) => entry.node_id);
    if (gone.length > 0) await this.update((now) => ({ ...now, nodes: now.nodes.filter((entry) => !expired(entry)) }));
    return gone;
  }

  async #change(nodeId: string, fields: Partial<NodeEntry>): Promise<void> {
    await this.update((now) => {
      const known = now.nodes.find((entry) => entry.node_id === nodeId && entry.pid === process.pid);
      return known ? { ...now, nodes: replace(now.nodes, { ...known, ...fields }) } : now;
    });
  }

  async #read(): Promise<SessionMetadata | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return parseMetadata(text, this.path);
  }

  /** Caller holds the lock. */
  async #write(next: SessionMetadata): Promise<SessionMetadata> {
    const written = { ...next, schema_version: SCHEMA_VERSION, revision: next.revision + 1 };
    await writeFileAtomic(this.path, `${JSON.stringify(written, null, 2)}\n`);
    return written;
  }

  #first(terms: SessionTerms): SessionMetadata {
    return { schema_version: SCHEMA_VERSION, name: this.#name, created: this.#now(), revision: 0, ...terms, nodes: [] };
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString();
  }
}

function replace(nodes: readonly NodeEntry[], entry: NodeEntry): readonly NodeEntry[] {
  return nodes.map((other) => (other.node_id === entry.node_id ? entry : other));
}

function alreadyRuns(session: string, entry: NodeEntry): ChainCoreError {
  return new ChainCoreError(
    "node-already-runs",
    `node ${entry.node_id} of session "${session}" runs already as process ${entry.pid}; stop it with "chaincore node stop" or choose another --node-id`,
    { detail: { node: entry.node_id, pid: entry.pid } },
  );
}
