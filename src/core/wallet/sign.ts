import { Transaction } from "../primitives/transaction.ts";
import type { Sats, Txid } from "../primitives/units.ts";
import type { KeyPlace, Keyring } from "./keyring.ts";

export interface SpendableCoin {
  readonly txid: Txid;
  readonly vout: number;
  readonly value: Sats;
  readonly script: Uint8Array;
  readonly place: KeyPlace;
}

/** Inputs signed before the event loop gets its turn: some 5 ms. */
const INPUTS_A_TURN = 4;
/** BIP125 and BIP68 are open, lock times too: what wallets set today. */
const SEQUENCE = 0xfffffffd;

/** A signed P2WPKH transaction. Outputs keep their order. */
export async function signTransaction(
  keyring: Keyring,
  coins: readonly SpendableCoin[],
  outputs: readonly { readonly script: Uint8Array; readonly value: number }[],
  lockTime: number,
): Promise<Transaction> {
  const { Transaction: Signer } = await import("@scure/btc-signer"); // With the first payment: a node that starts does without.
  const signer = new Signer({ version: 2, lockTime, allowUnknownOutputs: true, disableScriptCheck: true });
  for (const { txid, vout, script, value } of coins) {
    signer.addInput({ txid, index: vout, sequence: SEQUENCE, witnessUtxo: { script, amount: BigInt(value) } });
  }
  for (const { script, value } of outputs) signer.addOutput({ script, amount: BigInt(value) });
  for (const [index, { place }] of coins.entries()) {
    signer.signIdx(keyring.privateKey(place), index);
    if (index % INPUTS_A_TURN === INPUTS_A_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  signer.finalize();
  return Transaction.decode(signer.extract());
}
