import type { Clock } from "../../ports.ts";
import { LinkError, type PeerTip } from "../link.ts";
import { decodeTip, encodeTip } from "../tip-message.ts";
import type { ActiveLink } from "./active-link.ts";

/** Between the beginnings of two rounds. */
export const ROUND_MS = 2_000;
const PING_MS = 2_000;
/** Unanswered in a row: 3 rounds of 2 s and the one before make a dead peer known within 8 s. */
const MISSED_MAX = 3;
/** Pings under way at a time. */
const TOGETHER = 10;
/** Of a whole round; what has not been asked by then is asked in the next one. */
const ROUND_MAX_MS = 30_000;

interface HealthDeps {
  readonly links: () => readonly ActiveLink[];
  readonly tip: () => PeerTip;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly heard: (active: ActiveLink, tip: PeerTip) => void;
}

/** Pings all links, ten at a time; ends those that have not answered three times. */
export async function checkHealth({ links, tip, clock, heard }: HealthDeps): Promise<void> {
  const waiting = links().slice();
  const endMs = clock.monotonicMs() + ROUND_MAX_MS;
  const worker = async () => {
    for (let active = waiting.shift(); active !== undefined && clock.monotonicMs() < endMs; active = waiting.shift())
      await ping(active, tip(), clock, heard);
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
}

/** @throws nothing: a link that does not answer is counted */
export async function ping(
  active: ActiveLink,
  tip: PeerTip,
  clock: HealthDeps["clock"],
  heard: HealthDeps["heard"],
): Promise<void> {
  const from = clock.monotonicMs();
  try {
    const answer = decodeTip(await active.link.request("ping", encodeTip(tip), { timeoutMs: PING_MS }));
    active.latencyMs = clock.monotonicMs() - from;
    active.latencyMinMs = Math.min(active.latencyMs, active.latencyMinMs ?? Infinity);
    active.missed = 0;
    active.score = Math.max(0, active.score - 1);
    heard(active, answer);
  } catch (error) {
    active.missed++;
    if (!(error instanceof LinkError)) active.link.close("what it answers to a ping is no answer");
    else if (active.missed >= MISSED_MAX) active.link.close("it does not answer");
  }
}
