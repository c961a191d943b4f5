import type { Transaction } from "../primitives/transaction.ts";
import type { Sats, UnixSeconds, VBytes } from "../primitives/units.ts";
import { virtualSize } from "./entry.ts";
import type { Candidate } from "./evaluate.ts";
import type { Rejection } from "./rejection.ts";

export interface PackageOptions {
  readonly nowSeconds: UnixSeconds;
  /** True: one fee rate for all, as when a package is submitted; false: each by itself, as when it is tested. */
  readonly sharesFees: boolean;
}

export type PackageJudgement =
  | { readonly kind: "good"; readonly candidates: readonly Candidate[] }
  /** The package as a whole may not come in; no member is to blame. */
  | { readonly kind: "refused"; readonly message: string }
  /** `tx` is the one to blame; `message` is the verdict on the package. */
  | { readonly kind: "bad"; readonly message: string; readonly tx: Transaction; readonly why: Rejection };

export type PackageRefusal = Exclude<PackageJudgement, { kind: "good" }>;

/** What a package pays as a whole. */
export function packageFee(members: readonly Pick<Candidate, "modifiedFee" | "adjustedWeight">[]): { fee: Sats; vsize: VBytes } {
  let fee = 0;
  let vsize = 0;
  for (const member of members) {
    fee += member.modifiedFee;
    vsize += virtualSize(member.adjustedWeight);
  }
  return { fee: fee as Sats, vsize: vsize as VBytes };
}
