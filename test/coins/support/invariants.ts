import { createHash } from "node:crypto";
import type { CoinChange } from "../../../src/core/coins/changes.ts";
import type { CoinSnapshot } from "../../../src/core/coins/snapshot.ts";
import { coin, outpoint, scriptOf } from "./coins.ts";

/** Coin MARKER + v is there in version v and in no other. */
export const MARKER = 50_000_000;
/** All coins of this script sum to the same in every version. No random coin has it. */
export const SUM_SCRIPT = scriptOf(1_002);
export const MARKER_SCRIPT = new Uint8Array([1, 2, 3]);

/** The marker's part of the commit that makes version `next`. */
export function markerChange(next: number, isFirst: boolean): CoinChange {
  return {
    spends: isFirst ? [] : [{ key: outpoint(MARKER + next - 1) }],
    creates: [{ outpoint: outpoint(MARKER + next), coin: coin(next, MARKER_SCRIPT) }],
  };
}

export function join(...changes: readonly CoinChange[]): CoinChange {
  return { spends: changes.flatMap((change) => change.spends), creates: changes.flatMap((change) => change.creates) };
}

/** What is wrong with the markers of a snapshot; nothing else may be there, also no coin of a commit that is under way. */
export function markerFault(snapshot: CoinSnapshot): string | undefined {
  const { version } = snapshot;
  const found = [-2, -1, 0, 1, 2].map((step) => snapshot.find(outpoint(MARKER + version + step))?.value);
  const ok = found.every((value, i) => value === (i === 2 ? version : undefined));
  return ok ? undefined : `version ${version} has markers ${found.map(String).join()}`;
}

export function entriesHash(lines: readonly string[]): string {
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}
