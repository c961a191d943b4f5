/*
 * The registry of a session: who belongs to it, in one file, session_metadata.json. Any process may read it at any time,
 * for it is replaced whole. A change is acknowledged when its promise resolves; then it survives a power failure, and no
 * other writer overwrites it, however late or long suspended (files/fenced-file.ts).
 */
import { copyFile } from "node:fs/promises";
import {
  isRunning,
  metadataPath,
  type NodeEntry,
  parseMetadata,
  SCHEMA_VERSION,
  type SessionMetadata,
} from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { FencedFile } from "../files/fenced-file.ts";
import type { FileLock, FileLockOptions } from "../files/file-lock.ts";
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
  readonly nodes_wanted?: number;
}

export class Registry {
  readonly path: string;
  readonly #file: FencedFile;
  readonly #name: string;
  readonly #clock: Clock;

  /** The session's folder stands already. */
  constructor(place: { readonly home: string; readonly session: string }, { clock }: { readonly clock: Clock }) {
    this.path = metadataPath(place.home, place.session);
    this.#file = new FencedFile(this.path);
    this.#name = place.session;
    this.#clock = clock;
  }

  /** The lock between processes; for its statistics and its holder. */
  get lock(): FileLock {
    return this.#file.lock;
  }

  /** Takes the file that stands or writes the first one; `terms` count for a new session only. */
  async open(terms: SessionTerms, options: FileLockOptions = {}): Promise<SessionMetadata> {
    const found = this.#parse(await this.#file.read());
    if (found?.schema_version === SCHEMA_VERSION) return found;
    if (found) await copyFile(this.path, `${this.path}.schema-${found.schema_version ?? 0}.bak`);
    return await this.#write((now) => (now ? migrate(now, this.#name) : this.#first(terms)), options);
  }

  /** @throws ChainCoreError no-such-session, bad-session-metadata */
  async read(): Promise<SessionMetadata> {
    return this.#existing(this.#parse(await this.#file.read()));
  }

  /**
   * Reads, changes and writes, with no other change in between. `change` gets the newest version and returns the next
   * one, or the same when there is nothing to write; it may be called more than once and must not act on the world.
   */
  async update(change: (now: SessionMetadata) => SessionMetadata, options: FileLockOptions = {}): Promise<SessionMetadata> {
    return await this.#write((now) => change(this.#existing(now)), options);
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
        account: freeAccount(now.nodes, node.node_id),
        registration_time: time,
        ...known,
        ...node,
        last_seen: time,
        is_active: true,
        pid: process.pid,
        pid_started: processStartTime(process.pid),
      };
      const nodes = known ? replace(now.nodes, entry) : [...now.nodes, entry];
      return { ...now, nodes: nodes.toSorted((a, b) => a.account - b.account) };
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
    const gone = (entry: NodeEntry) => entry.is_active && !isRunning(entry);
    let ended: readonly string[] = [];
    await this.update((now) => {
      ended = now.nodes.filter(gone).map((entry) => entry.node_id);
      if (ended.length === 0) return now;
      return { ...now, nodes: now.nodes.map((entry) => (gone(entry) ? { ...entry, is_active: false } : entry)) };
    });
    return ended;
  }

  /** Forgets nodes that ended longer ago than `expiredMs`. Their folders stay. */
  async prune(expiredMs: number): Promise<readonly string[]> {
    const limit = this.#clock.nowMs() - expiredMs;
    const expired = (entry: NodeEntry) => !isRunning(entry) && Date.parse(entry.last_seen) < limit;
    let pruned: readonly string[] = [];
    await this.update((now) => {
      pruned = now.nodes.filter(expired).map((entry) => entry.node_id);
      return pruned.length === 0 ? now : { ...now, nodes: now.nodes.filter((entry) => !expired(entry)) };
    });
    return pruned;
  }

  async #change(nodeId: string, fields: Partial<NodeEntry>): Promise<void> {
    await this.update((now) => {
      const known = now.nodes.find((entry) => entry.node_id === nodeId && entry.pid === process.pid);
      return known ? { ...now, nodes: replace(now.nodes, { ...known, ...fields }) } : now;
    });
  }

  async #write(
    change: (now: SessionMetadata | undefined) => SessionMetadata,
    options: FileLockOptions,
  ): Promise<SessionMetadata> {
    let result: SessionMetadata | undefined;
    await this.#file.update((text) => {
      const now = this.#parse(text);
      const next = change(now);
      result = next === now ? next : { ...next, schema_version: SCHEMA_VERSION, revision: next.revision + 1 };
      return next === now ? undefined : `${JSON.stringify(result, null, 2)}\n`;
    }, options);
    return result!;
  }

  #parse(text: string | undefined): SessionMetadata | undefined {
    return text === undefined ? undefined : parseMetadata(text, this.path);
  }

  #existing(found: SessionMetadata | undefined): SessionMetadata {
    if (found) return found;
    throw new ChainCoreError(
      "no-such-session",
      `there is no session "${this.#name}"; make it with "chaincore session create ${this.#name}"`,
    );
  }

  #first(terms: SessionTerms): SessionMetadata {
    return { schema_version: SCHEMA_VERSION, name: this.#name, created: this.#now(), revision: 0, ...terms, nodes: [] };
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString();
  }
}

/** coreN's is N, whoever of several comes first; another name's is the next above all. */
function freeAccount(nodes: readonly NodeEntry[], nodeId: string): number {
  const taken = nodes.map((node) => node.account);
  const own = Number(/^core(\d{1,4})$/.exec(nodeId)?.[1]);
  return Number.isInteger(own) && !taken.includes(own) ? own : Math.max(-1, ...taken) + 1;
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
