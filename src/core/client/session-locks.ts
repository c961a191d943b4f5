import { readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type FileLockState, listFileLocks } from "../files/lock-listing.ts";
import { sessionFolder } from "../files/paths.ts";
import type { GraphNode, LockGraph } from "../locks/snapshot.ts";
import { currentSession, type Place } from "./find-node.ts";
import { findSessionMetadata, type NodeEntry } from "./session-metadata.ts";

/** What one process does with locks between processes: one strand for each wait, and for each hold that waits for nothing. */
export interface SessionStrand extends GraphNode {
  readonly pid: number;
  /** The session's node that the process is; null for a command. */
  readonly node: string | null;
  readonly command: string;
  /** ISO 8601: of its wait where it waits, else of its hold. */
  readonly since: string;
}

/** Holders in a circle: each waits for what the next one holds. */
export interface LockCycle {
  /** False when a process holds and waits without saying that the one goes on inside the other: then it may be none. */
  readonly certain: boolean;
  readonly members: readonly {
    readonly pid: number;
    readonly node: string | null;
    readonly command: string;
    readonly since: string;
    readonly holds: string;
    readonly waitsFor: string;
  }[];
}

/** `locks graph --session`: locks by their paths, relative to the session's folder. */
export interface SessionLocksAnswer extends LockGraph {
  readonly session: string;
  readonly owners: readonly SessionStrand[];
  readonly cycles: readonly LockCycle[];
}

/** Reads who holds and who waits from the files beside the locks: asks no process, so that one that hangs is seen too. */
export async function sessionLocks(place: Place): Promise<SessionLocksAnswer> {
  const session = await currentSession(place);
  const folder = sessionFolder(place.home, session);
  const nodes = (await findSessionMetadata(place.home, session).catch(() => undefined))?.nodes ?? [];
  const nodeFolders = (await readdir(join(folder, "nodes")).catch(() => [])).map((id) => join(folder, "nodes", id));
  const sockets = nodes.flatMap(({ socket }) => (socket === "" ? [] : [dirname(socket)]));
  const locks = listFileLocks([folder, ...nodeFolders, ...sockets]).map((lock) => named(lock, folder));
  const owners = strandsOf(locks, nodes);
  return { session, owners, edges: edgesOf(owners), cycles: cyclesOf(owners) };
}

/** Inside the session's folder a lock has a short name; elsewhere its whole path. */
function nameOf(path: string, folder: string): string {
  const short = relative(folder, path);
  return short.startsWith("..") ? path : short;
}

function named(lock: FileLockState, folder: string): FileLockState {
  const name = (path: string) => nameOf(path, folder);
  const waiters = lock.waiters.map((waiter) => ({
    ...waiter,
    within: waiter.within.map((hold) => ({ ...hold, path: name(hold.path) })),
  }));
  return { ...lock, path: name(lock.path), waiters };
}

function strandsOf(locks: readonly FileLockState[], nodes: readonly NodeEntry[]): readonly SessionStrand[] {
  const holders = new Map(locks.flatMap(({ path, holder }) => (holder === undefined ? [] : [[holder.token, { path, holder }]])));
  const taken = new Set<string>();
  const label = labels(nodes);
  const waiting = locks.flatMap(({ path, waiters }) =>
    waiters.map((waiter): SessionStrand => {
      const inside = waiter.within.flatMap(({ token }) => holders.get(token) ?? []);
      for (const { holder } of inside) taken.add(holder.token);
      const waitsFor = { lock: path, mode: "write", site: "" } as const;
      return { ...label(waiter), holds: inside.map(heldOf), waitsFor };
    }),
  );
  const others = [...holders.values()].filter(({ holder }) => !taken.has(holder.token));
  return [...waiting, ...others.map((hold): SessionStrand => ({ ...label(hold.holder), holds: [heldOf(hold)] }))];
}

function heldOf({ path, holder }: { readonly path: string; readonly holder: { readonly since: string } }) {
  const heldMs = Date.now() - Date.parse(holder.since);
  return { lock: path, mode: "write" as const, site: "", ...(heldMs >= 0 ? { heldMs } : {}) };
}

/** Names strands: `core0 (process 12)`, and `#2` where a process has more than one. */
function labels(nodes: readonly NodeEntry[]) {
  const used = new Map<number, number>();
  return ({
    pid,
    pidStarted,
    command,
    since,
  }: Pick<NonNullable<FileLockState["holder"]>, "pid" | "pidStarted" | "command" | "since">) => {
    const node = nodes.find((entry) => entry.pid === pid && entry.pid_started === pidStarted)?.node_id ?? null;
    const count = (used.get(pid) ?? 0) + 1;
    used.set(pid, count);
    const owner = `${node ?? command} (process ${pid})${count > 1 ? ` #${count}` : ""}`;
    return { owner, thread: 0, pid, node, command, since };
  };
}

function edgesOf(owners: readonly SessionStrand[]): LockGraph["edges"] {
  return owners.flatMap((from) =>
    owners
      .filter((to) => to !== from && to.holds.some(({ lock }) => lock === from.waitsFor?.lock))
      .map((to) => ({ from: from.owner, to: to.owner, lock: from.waitsFor!.lock })),
  );
}

/** Circles of strands are certain; then circles of processes, for one that did not say inside of what it waits. Each once. */
function cyclesOf(owners: readonly SessionStrand[]): readonly LockCycle[] {
  const byProcess = Map.groupBy(owners, ({ pid }) => pid);
  const merged = owners.map((strand) => ({ ...strand, holds: byProcess.get(strand.pid)!.flatMap(({ holds }) => holds) }));
  const isOfMany = (members: LockCycle["members"]) => new Set(members.map(({ pid }) => pid)).size > 1;
  const all = [
    ...circles(owners).map((members) => ({ certain: true, members })),
    ...circles(merged)
      .filter(isOfMany) // Strands of one process that wait for each other in turn are no circle.
      .map((members) => ({ certain: false, members })),
  ];
  const keyOf = ({ members }: LockCycle) => JSON.stringify(members.map(({ pid, waitsFor }) => `${pid} ${waitsFor}`).sort());
  return [...new Map(all.toReversed().map((cycle) => [keyOf(cycle), cycle])).values()].toReversed(); // The certain one of two stays.
}

function circles(owners: readonly SessionStrand[]): readonly LockCycle["members"][] {
  const found: LockCycle["members"][] = [];
  const follow = (start: number, at: number, trail: readonly number[]): void => {
    const wanted = owners[at]!.waitsFor?.lock;
    owners.forEach((next, place) => {
      if (wanted === undefined || place < start || !next.holds.some(({ lock }) => lock === wanted)) return;
      if (place === start) found.push(membersOf([...trail, at].map((n) => owners[n]!)));
      else if (!trail.includes(place) && place !== at) follow(start, place, [...trail, at]);
    });
  };
  for (const start of owners.keys()) follow(start, start, []);
  return found;
}

/** Each holds what the one before it waits for. */
function membersOf(circle: readonly SessionStrand[]): LockCycle["members"] {
  return circle.map(({ pid, node, command, since, waitsFor }, n) => {
    const holds = circle.at(n - 1)!.waitsFor!.lock;
    return { pid, node, command, since, holds, waitsFor: waitsFor!.lock };
  });
}
