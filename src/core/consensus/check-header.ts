import type { Header } from "../primitives/header.ts";
import { bitsToTarget, hashMeetsTarget } from "../primitives/target.ts";
import { nextBits } from "./difficulty.ts";
import type { HeaderAncestry } from "./header-ancestry.ts";
import { TIMEWARP_SECONDS_MAX } from "./limits.ts";
import type { NetworkParams } from "./params.ts";
import { type Invalid, invalid } from "./verdict.ts";

/** The verdict of checkHeader that time heals: the block may be offered again, its hash is not marked as invalid. */
export const TIME_TOO_NEW = "time-too-new";

/** Whether the hash meets the target that the header itself names, and that target is one that the network allows. */
export function checkProofOfWork(header: Header, params: Pick<NetworkParams, "powLimitBits">): Invalid | undefined {
  const { target, negative, overflow } = bitsToTarget(header.bits);
  const isTarget = !negative && !overflow && target > 0n && target <= bitsToTarget(params.powLimitBits).target;
  return isTarget && hashMeetsTarget(header.hashBytes, target) ? undefined : invalid("high-hash", "proof of work failed");
}

/**
 * Rules of a header that follows `parent`, in Core's order: work, bits, median time past, clock, version.
 * `nowSeconds` is the clock's time, whole seconds.
 */
export function checkHeader(
  header: Header,
  parent: HeaderAncestry,
  params: NetworkParams,
  nowSeconds: number,
): Invalid | undefined {
  return checkProofOfWork(header, params) ?? checkHeaderInContext(header, parent, params, nowSeconds);
}

/** checkHeader without the proof of work: what a template or proposal is held against. */
export function checkHeaderInContext(
  header: Header,
  parent: HeaderAncestry,
  params: NetworkParams,
  nowSeconds: number,
): Invalid | undefined {
  if (header.bits !== nextBits(parent, params)) return invalid("bad-diffbits", "incorrect proof of work");
  if (header.time <= parent.medianTimePast) return invalid("time-too-old", "block's timestamp is too early");
  if (breaksTimewarpRule(header, parent, params)) {
    return invalid("time-timewarp-attack", "block's timestamp is too early on diff adjustment block");
  }
  if (header.time > nowSeconds + params.futureSecondsMax) return invalid(TIME_TOO_NEW, "block timestamp too far in the future");
  return checkVersion(header.version, parent.height + 1, params);
}

function breaksTimewarpRule(header: Header, parent: HeaderAncestry, params: NetworkParams): boolean {
  if (!params.enforceTimewarpRule || params.retarget.kind !== "period") return false;
  return (parent.height + 1) % params.retarget.intervalBlocks === 0 && header.time < parent.time - TIMEWARP_SECONDS_MAX;
}

/** Versions that ended with BIP34, 66 and 65; signed, so that 0xffffffff is old too. */
function checkVersion(version: number, height: number, { activation }: NetworkParams): Invalid | undefined {
  const isOld =
    (version < 2 && height >= activation.bip34) ||
    (version < 3 && height >= activation.bip66) ||
    (version < 4 && height >= activation.bip65);
  if (!isOld) return undefined;
  const hex = `0x${(version >>> 0).toString(16).padStart(8, "0")}`;
  return invalid(`bad-version(${hex})`, `rejected nVersion=${hex} block`);
}
