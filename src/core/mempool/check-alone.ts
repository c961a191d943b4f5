import { checkTransaction } from "../consensus/check-transaction.ts";
import type { HeaderAncestry } from "../consensus/header-ancestry.ts";
import { checkSequenceLocks, isFinalTx } from "../consensus/lock-time.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { transactionSigopCost } from "../consensus/sigops.ts";
import { isInvalid } from "../consensus/verdict.ts";
import { checkTxInputs } from "../consensus/verify-inputs.ts";
import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { Sats, Weight } from "../primitives/units.ts";
import { STANDARD_FLAGS } from "../script/flags.ts";
import { dustOutputs } from "./dust.ts";
import { type Policy, STANDARD_SIGOP_COST_MAX, STRIPPED_BYTES_MIN } from "./policy.ts";
import { asRejection, type Rejection, rejected } from "./rejection.ts";
import { hasStandardInputs, hasStandardWitnesses, nonstandardReason } from "./standard-transaction.ts";

/** Rules that need neither coins nor pool, in Core's order: form, size, lock time in the block after `tip`. */
export function checkForm(tx: Transaction, policy: Policy, tip: HeaderAncestry): Rejection | undefined {
  const verdict = checkTransaction(tx);
  if (verdict) return asRejection("consensus", verdict);
  if (tx.isCoinbase) return rejected("consensus", "coinbase");
  const reason = policy.requireStandard ? nonstandardReason(tx, policy) : undefined;
  if (reason !== undefined) return rejected("policy", reason);
  if (tx.strippedSize < STRIPPED_BYTES_MIN) return rejected("policy", "tx-size-small");
  return isFinalTx(tx, tip.height + 1, tip.medianTimePast) ? undefined : rejected("premature", "non-final");
}

/** What a transaction is worth, once its coins are known. */
export interface Appraisal {
  readonly fee: Sats;
  readonly sigopCost: number;
  readonly adjustedWeight: Weight;
}

export interface AppraiseContext {
  readonly policy: Policy;
  readonly params: NetworkParams;
  readonly tip: HeaderAncestry;
  /** What prioritisetransaction added to the fee. */
  readonly feeDelta: number;
}

/** Rules that need the coins of the inputs (in order), but not the pool, in Core's order; scripts are not run. */
export function checkSpending(tx: Transaction, spent: readonly Coin[], context: AppraiseContext): Appraisal | Rejection {
  const { policy, params, tip } = context;
  if (!checkSequenceLocks(tx, spent, tip)) return rejected("premature", "non-BIP68-final");
  const money = checkTxInputs(tx, spent, tip.height + 1, params);
  if (isInvalid(money)) {
    return asRejection(money.code === "bad-txns-premature-spend-of-coinbase" ? "premature" : "consensus", money);
  }
  if (policy.requireStandard) {
    if (!hasStandardInputs(tx, spent)) return rejected("policy", "bad-txns-nonstandard-inputs");
    if (!hasStandardWitnesses(tx, spent)) return rejected("policy", "bad-witness-nonstandard");
  }
  const sigopCost = transactionSigopCost(tx, spent, STANDARD_FLAGS);
  const adjustedWeight = Math.max(tx.weight, sigopCost * policy.weightPerSigop) as Weight;
  if (policy.requireStandard && (money.fee !== 0 || context.feeDelta !== 0)) {
    // Dust may stand only where nobody gains by mining it alone: the child that pays must sweep it.
    if (dustOutputs(tx, policy.dustFeeRate).length > 0) return rejected("policy", "dust", "tx with dust output must be 0-fee");
  }
  if (sigopCost > STANDARD_SIGOP_COST_MAX) return rejected("policy", "bad-txns-too-many-sigops", `${sigopCost}`);
  return { fee: money.fee, sigopCost, adjustedWeight };
}
