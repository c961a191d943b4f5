import type { LockCycle, SessionLocksAnswer, SessionStrand } from "../core/client/index.ts";

/** Each process with what it holds, what it waits for and who has that; circles last. */
export function sessionLocksText({ session, owners, edges, cycles }: SessionLocksAnswer): string {
  if (owners.length === 0) return `no process holds or waits for a file lock of session ${session}`;
  const linesOf = ({ owner, command, since, holds, waitsFor }: SessionStrand) => {
    const blockers = edges.filter(({ from }) => from === owner).map(({ to }) => to);
    const blocked = blockers.length === 0 ? "which has just been given back" : `held by ${blockers.join(", ")}`;
    return [
      `${owner}: ${command}`,
      ...holds.map(({ lock }) => `  holds ${lock}${waitsFor === undefined ? ` since ${since}` : ""}`),
      ...(waitsFor === undefined ? [] : [`  waits for ${waitsFor.lock} since ${since}, ${blocked}`]),
    ];
  };
  return [...owners.flatMap(linesOf), ...cycles.map(cycleText)].join("\n");
}

function cycleText({ certain, members }: LockCycle): string {
  const circle = members.map(({ pid, node, command, holds, waitsFor }) => {
    return `process ${pid} (${node ?? command}) holds ${holds} and waits for ${waitsFor}`;
  });
  return `${certain ? "Deadlock" : "Possible deadlock"}: ${circle.join("; ")}`;
}
