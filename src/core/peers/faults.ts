import { setTimeout as sleep } from "node:timers/promises";
import type { Link } from "./link.ts";
import { placeOf } from "./peer-url.ts";

/** What goes wrong on purpose, for tests and for people who want to see it. */
export interface Faults {
  /** Nothing gets through, and no link lasts. */
  readonly isPartitioned: boolean;
  /** Each message, one way, comes so much later. */
  readonly delayMs: number;
  /** 0 to 1: share of messages that are lost and sent again. */
  readonly drop: number;
}

const NONE: Faults = { isPartitioned: false, delayMs: 0, drop: 0 };
/** A message that is lost comes this much later, twice as much the second time, as TCP sends it again (RFC 6298). */
const RETRANSMIT_MS = 200;
const RETRANSMITS_MAX = 8;
/** For every peer. */
const ALL = "*";

/** The faults that were asked for, by peer: its URL with or without the pin, its node id, or all. */
export class FaultPlan {
  readonly #faults = new Map<string, Faults>();
  readonly #random: () => number;
  #changed: () => void = () => undefined;

  /** @param random 0 to 1; seeded in tests */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Called when a partition may have begun. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** @param peer a URL or node id; undefined for all */
  set(peer: string | undefined, change: Partial<Faults>): void {
    const key = placeOf(peer ?? ALL);
    this.#faults.set(key, { ...NONE, ...this.#faults.get(key), ...change });
    this.#changed();
  }

  /** Ends the faults of one peer, or all. */
  heal(peer?: string): void {
    if (peer === undefined) this.#faults.clear();
    else this.#faults.delete(placeOf(peer));
    this.#changed();
  }

  list(): readonly ({ readonly peer: string } & Faults)[] {
    return Array.from(this.#faults, ([peer, faults]) => ({ peer, ...faults }));
  }

  /** @param names a peer's URL and node id, as far as they are known */
  of(names: readonly (string | null | undefined)[]): Faults {
    if (this.#faults.size === 0) return NONE;
    const found = [ALL, ...names].flatMap((name) => (name ? (this.#faults.get(placeOf(name)) ?? []) : []));
    return {
      isPartitioned: found.some(({ isPartitioned }) => isPartitioned),
      delayMs: found.reduce((sum, { delayMs }) => sum + delayMs, 0),
      drop: Math.max(0, ...found.map(({ drop }) => drop)),
    };
  }

  /** Resolves when a message of this link may go; at once where there is no fault. */
  async pass(link: Pick<Link, "url" | "identity">, signal: AbortSignal): Promise<void> {
    if (this.#faults.size === 0) return;
    const { delayMs, drop } = this.of([link.url, link.identity.nodeId]);
    let waitMs = delayMs;
    for (let lost = 0; lost < RETRANSMITS_MAX && this.#random() < drop; lost++) waitMs += RETRANSMIT_MS * 2 ** lost;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
  }
}
