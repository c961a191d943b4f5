import type { Link, PeerTip } from "../link.ts";
import { placeOf } from "../peer-url.ts";

/** A link with what the table knows of it. Changes on the event loop, between awaits. */
export interface ActiveLink {
  readonly link: Link;
  /** What it stands at, by its last word. */
  tip: PeerTip;
  /** Round trip of the last ping; undefined before the first. */
  latencyMs: number | undefined;
  latencyMinMs: number | undefined;
  /** Pings in a row that were not answered. */
  missed: number;
  /** 0 is faultless; a link ends at 100 (Bitcoin Core's old scale). */
  score: number;
  /** Unix seconds when it last brought a block or a transaction that was new here. */
  lastUseful: number;
}

const LATENCY_PROTECTED = 4;
const AGE_PROTECTED = 4;
const USE_PROTECTED = 4;

/**
 * Which inbound link gives way to a new one, if any: whoever floods us with links cannot push out those that have proved their
 * worth by age, nearness or use, which an attacker cannot have all at once (Bitcoin Core, "eclipse").
 */
export function chooseEviction(links: readonly ActiveLink[]): ActiveLink | undefined {
  let candidates = links.filter(({ link }) => link.direction === "inbound");
  const protect = (count: number, better: (a: ActiveLink, b: ActiveLink) => number) => {
    candidates = candidates.toSorted(better).slice(count);
  };
  protect(LATENCY_PROTECTED, (a, b) => (a.latencyMinMs ?? Infinity) - (b.latencyMinMs ?? Infinity));
  protect(USE_PROTECTED, (a, b) => b.lastUseful - a.lastUseful);
  protect(AGE_PROTECTED, (a, b) => a.link.openedMs - b.link.openedMs);
  const perAddress = Map.groupBy(candidates, ({ link }) => link.remote.address);
  const crowd = [...perAddress.values()].sort((a, b) => b.length - a.length)[0];
  return crowd?.toSorted((a, b) => b.link.openedMs - a.link.openedMs)[0];
}

/** Whether people mean this link by `name`: its URL, with or without its scheme and its pin, node id, instance, address or ADDRESS:PORT. */
export function isNamed({ url, identity, remote }: Link, name: string): boolean {
  const { address, port } = remote;
  return (
    [identity.nodeId, identity.instance, address, `${address}:${port}`].includes(name) || (url !== null && isPlace(url, name))
  );
}

/** Whether `name` means this URL: with or without its scheme, and its pin. */
export function isPlace(url: string, name: string): boolean {
  const place = placeOf(url);
  return [place, place.replace(/^https?:\/\//, "")].includes(placeOf(name));
}

/**
 * Of two links between the same two nodes the one that the smaller instance has dialled stays, so that both sides choose the same
 * one; of two that the same side has dialled, the newer.
 * @param isNewDialledByUs who has dialled the one that is about to open
 */
export function isNewLinkBetter(own: string, other: string, oldDirection: Link["direction"], isNewDialledByUs: boolean): boolean {
  if ((oldDirection === "outbound") === isNewDialledByUs) return true;
  return isNewDialledByUs ? own < other : other < own;
}
