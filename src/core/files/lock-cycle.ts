import { type Hold, type HoldNote, holdAt, isDead } from "./lock-folder.ts";

/** A hold in a cycle: what it has, and what it waits for. */
export interface CycleMember extends Pick<HoldNote, "pid" | "command" | "since" | "token"> {
  readonly holds: string;
  readonly waitsFor: string;
}

/** Longer chains of waits are not followed: they end by their time limits. */
const STEPS_MAX = 64;

/**
 * The cycle that waiting for `path` within `holds` closes, one's own hold first; undefined where there is none.
 *
 * Exact. A walk reads one journal after the other, so what it saw may never have been true at one moment. But journals only
 * grow, and a token never comes back: where two walks see the same tokens with the same lengths, nothing changed in between,
 * and all of it was true together. Then each of the holds waits for the next one, and none can end before the other does,
 * but by giving up. A process that died in it does not count: its lock is taken from it.
 */
export function findCycle(path: string, holds: readonly Hold[]): readonly CycleMember[] | undefined {
  const first = walk(path, holds);
  if (first === undefined) return undefined;
  const second = walk(path, holds);
  return second?.seen === first.seen ? second.members : undefined;
}

interface Walk {
  readonly members: readonly CycleMember[];
  readonly seen: string;
}

function walk(path: string, holds: readonly Hold[]): Walk | undefined {
  const visited = new Set<string>();
  const search = (lock: string, trail: readonly Walk["members"][number][], seen: string): Walk | undefined => {
    if (visited.has(lock) || visited.size >= STEPS_MAX) return undefined;
    visited.add(lock);
    const hold = holdAt(lock);
    if (hold === undefined || isDead(hold.token)) return undefined;
    const next = `${seen} ${hold.token}:${hold.length}`;
    const { pid, command, since, token } = hold;
    const member = (waitsFor: string) => ({ pid, command, since, token, holds: lock, waitsFor });
    if (holds.some((own) => own.path === lock && own.token === token)) return { members: [member(path), ...trail], seen: next };
    for (const waitsFor of hold.waitsFor) {
      const found = search(waitsFor, [...trail, member(waitsFor)], next);
      if (found) return found;
    }
    return undefined;
  };
  return search(path, [], "");
}

/** Whose wait is refused: one of the cycle, the same whoever of them asks. */
export function victimOf(cycle: readonly CycleMember[]): CycleMember {
  const drawn = ({ token }: CycleMember) => token.slice(token.lastIndexOf("."));
  return cycle.reduce((least, member) => (drawn(member) < drawn(least) ? member : least));
}

/** "process 12 (node) holds a since ... and waits for b; process 34 ..." */
export function describeCycle(cycle: readonly CycleMember[]): string {
  return cycle
    .map(({ pid, command, since, holds, waitsFor }) => {
      return `process ${pid} (${command}) holds ${holds} since ${since} and waits for ${waitsFor}`;
    })
    .join("; ");
}
