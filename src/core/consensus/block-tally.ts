import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { isMoney, type Sats } from "../primitives/units.ts";
import type { ScriptFlags } from "../script/flags.ts";
import type { HeaderAncestry } from "./header-ancestry.ts";
import { BLOCK_SIGOP_COST_MAX } from "./limits.ts";
import { checkSequenceLocks } from "./lock-time.ts";
import type { NetworkParams } from "./params.ts";
import { transactionSigopCost } from "./sigops.ts";
import { subsidy } from "./subsidy.ts";
import { type Invalid, invalid } from "./verdict.ts";
import { checkTxInputs, valueOut } from "./verify-inputs.ts";

/**
 * The rules of connecting one block that need its coins, but for scripts (the middle of Core's ConnectBlock). The caller
 * walks the transactions in order, the coinbase first, looks up the coins of each as they stand at that place in the
 * block, and hands them in; the first verdict ends the walk. A missing coin is MISSING_INPUTS (verify-inputs.ts), said by
 * the caller. When all are in, `finish` holds the coinbase against subsidy and fees. Scripts come last: a block with a bad
 * amount and a bad script is refused for its amount.
 */
export class BlockTally {
  readonly #parent: HeaderAncestry;
  readonly #params: NetworkParams;
  readonly #flags: ScriptFlags;
  #fees = 0;
  #sigopCost = 0;
  #created = 0;

  /** @param flags of the block, from blockFlags. */
  constructor(parent: HeaderAncestry, params: NetworkParams, flags: ScriptFlags) {
    this.#parent = parent;
    this.#params = params;
    this.#flags = flags;
  }

  get height(): number {
    return this.#parent.height + 1;
  }

  get fees(): Sats {
    return this.#fees as Sats;
  }

  get sigopCost(): number {
    return this.#sigopCost;
  }

  /** The next transaction; `spent` are the coins of its inputs, in order, empty for the coinbase. */
  add(tx: Transaction, spent: readonly Coin[]): Invalid | undefined {
    if (tx.isCoinbase) {
      this.#created += valueOut(tx);
    } else {
      const verdict = this.#addFee(tx, spent);
      if (verdict) return verdict;
    }
    this.#sigopCost += transactionSigopCost(tx, spent, this.#flags);
    return this.#sigopCost > BLOCK_SIGOP_COST_MAX ? invalid("bad-blk-sigops", "too many sigops") : undefined;
  }

  #addFee(tx: Transaction, spent: readonly Coin[]): Invalid | undefined {
    const result = checkTxInputs(tx, spent, this.height, this.#params);
    if (!("fee" in result)) return invalid(result.code, `${result.detail} in transaction ${tx.txid}`);
    this.#fees += result.fee;
    if (!isMoney(this.#fees)) {
      return invalid("bad-txns-accumulated-fee-outofrange", "accumulated fee in the block out of range");
    }
    const isFinal = this.height < this.#params.activation.csv || checkSequenceLocks(tx, spent, this.#parent);
    return isFinal ? undefined : invalid("bad-txns-nonfinal", `contains a non-BIP68-final transaction ${tx.txid}`);
  }

  /** After the last transaction. */
  finish(): Invalid | undefined {
    const limit = this.#fees + subsidy(this.height, this.#params);
    return this.#created > limit
      ? invalid("bad-cb-amount", `coinbase pays too much (actual=${this.#created} vs limit=${limit})`)
      : undefined;
  }
}
