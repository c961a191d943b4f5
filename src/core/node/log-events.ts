import type { EventLog } from "../api/events.ts";
import type { LogArea, NodeLog } from "./log.ts";

/** Which part of the node an event is of. */
const AREAS: Readonly<Record<string, LogArea>> = {
  "block-connected": "chain",
  "block-disconnected": "chain",
  "transaction-added": "mempool",
  "transaction-removed": "mempool",
};

/** Writes down what happens to chain and pool, where somebody asked for that much (`--log-level chain=debug,mempool=debug`). */
export function logEvents(log: NodeLog, events: EventLog): void {
  if (!log.isDebug("chain") && !log.isDebug("mempool")) return;
  const [chain, mempool] = [log.area("chain"), log.area("mempool")];
  events.follow(events.sequence, ({ event, sequence: _sequence, ...fields }) => {
    const area = AREAS[event];
    if (area !== undefined) (area === "chain" ? chain : mempool).debug(fields, event);
    return true;
  });
}
