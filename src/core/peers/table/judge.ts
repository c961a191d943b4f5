import { classOfAddress } from "../address-class.ts";
import type { Judge, Link, Offence, Shortcoming } from "../link.ts";
import type { ActiveLink } from "./active-link.ts";
import { BAN_SECONDS, type Ban } from "./ban-list.ts";

/** A link ends when it has so many points. */
export const SCORE_MAX = 100;
const POINTS: Readonly<Record<Shortcoming, number>> = {
  "stalled-download": 34,
  "no-block": 34,
  "no-transaction": 34,
  "no-answer": 20,
  "lying-tip": 20,
};

interface JudgeDeps {
  readonly find: (link: Link) => ActiveLink | undefined;
  readonly nowSeconds: () => number;
  /** Keeps it out from now on. */
  readonly ban: (ban: Ban) => void;
  readonly told: (link: Link, verdict: string, evidence: Readonly<Record<string, unknown>>) => void;
}

/** Ends links that break the rules or are of no use, and has the former kept out. */
export function createJudge({ find, nowSeconds, ban, told }: JudgeDeps): Judge {
  return {
    misbehaved: (link, offence, evidence = {}) => {
      const active = find(link);
      if (active === undefined || active.score >= SCORE_MAX) return; // Judged already.
      active.score = SCORE_MAX;
      told(link, offence, evidence);
      link.close(`it misbehaved: ${offence}`);
      ban(banFor(link, offence, nowSeconds()));
    },
    disappointed: (link, shortcoming) => {
      const active = find(link);
      if (active === undefined || active.score >= SCORE_MAX) return;
      active.score += POINTS[shortcoming];
      if (active.score < SCORE_MAX) return;
      told(link, shortcoming, {});
      link.close(`it is of no use: ${shortcoming}`);
    },
  };
}

/**
 * By handshake identity, and by address where that is not shared with others: behind an address of this machine or of a private
 * network there are many nodes. The URL only where we have dialled it: what a stranger says of himself must not ban others.
 */
function banFor({ remote, identity, direction, url }: Link, reason: Offence, since: number): Ban {
  return {
    address: classOfAddress(remote.address) === "public" ? remote.address : null,
    instance: identity.instance,
    url: direction === "outbound" ? url : null,
    reason,
    since,
    until: since + BAN_SECONDS,
  };
}
