import { readFile } from "node:fs/promises";
import { formatMoney } from "../consensus/verify-inputs.ts";
import { ChainCoreError } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import { type OutpointKey, outpointAt, outpointKey, outpointKeyAt } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { type Sats, sats, type Txid } from "../primitives/units.ts";
import { AddressBook } from "./address-book.ts";
import { selectCoins } from "./coin-selection.ts";
import { type KeyPlace, Keyring } from "./keyring.ts";
import { type SpendableCoin, signTransaction } from "./sign.ts";

/** What a wallet asks of the chain and the pool; all answers of one call are of one moment. */
export interface WalletChain {
  readonly height: number;
  readonly coinbaseMaturity: number;
  /** Confirmed coins of a script: the outpoint's 36 bytes and the coin. */
  coinsOf(script: Uint8Array): readonly (readonly [Uint8Array, Coin])[];
  /** Pooled transactions. */
  pooled(): Iterable<Transaction>;
  /** The pooled transaction that spends an output. */
  spenderOf(key: OutpointKey): Txid | undefined;
}

export interface WalletCoin extends SpendableCoin {
  readonly coin: Coin;
  readonly key: OutpointKey;
  /** 0 for an output of a pooled transaction. */
  readonly confirmations: number;
  readonly state: "spendable" | "immature" | "pending" | "spent-in-pool" | "reserved";
}

export interface Balance {
  /** Confirmed, old enough and not spent by the pool; own change that waits in the pool counts. */
  readonly spendable: Sats;
  readonly immature: Sats;
  /** Paid to us by others in the pool. */
  readonly pending: Sats;
}

export interface PaymentRequest {
  readonly account: number;
  readonly script: Uint8Array;
  readonly amount: Sats;
  /** Satoshis per 1,000 virtual bytes. */
  readonly feeRate: number;
  readonly subtractsFee?: boolean;
}

export interface Payment {
  readonly transaction: Transaction;
  readonly fee: Sats;
  /** Gives the coins back if the transaction was not pooled; call it in any case once it was or was not. */
  release(): void;
}

/** Virtual bytes of a P2WPKH input with a 72-byte signature, of a P2WPKH output, and of everything but inputs and outputs. */
const INPUT_VSIZE = 68;
const CHANGE_VSIZE = 31;
const FRAME_VSIZE = 11;
/** Bitcoin Core's dust limit of a P2WPKH output. */
const CHANGE_MIN = 294;
const UNCONFIRMED = 0x7fffffff;

/** The accounts of a session's mnemonic: what they own, and payments from them. It signs; the caller hands the transaction in. */
export class Wallet {
  readonly #keyring: Keyring;
  readonly #book: AddressBook;
  /** Coins of payments that are being signed or pooled. */
  readonly #reserved = new Set<OutpointKey>();

  constructor(keyring: Keyring, book: AddressBook) {
    this.#keyring = keyring;
    this.#book = book;
  }

  /** @param path the file that remembers which addresses were given out. @throws ChainCoreError "bad-mnemonic", "bad-wallet-file" */
  static async open(mnemonic: string, path: string): Promise<Wallet> {
    const keyring = Keyring.fromMnemonic(mnemonic);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw new ChainCoreError("bad-wallet-file", `${path} cannot be read (${error.code}); check its owner and mode`, {
        cause: error,
      });
    });
    return new Wallet(keyring, new AddressBook(keyring, path, text === undefined ? {} : AddressBook.parseState(text, path)));
  }

  /** Where an account is paid unless told otherwise: always the same. */
  firstScript(account: number): Uint8Array {
    return this.#book.first(account);
  }

  /** A script that nobody was given before; durable when this resolves. */
  async newScript(account: number): Promise<Uint8Array> {
    return (await this.#book.next(account, 0)).script;
  }

  placeOf(script: Uint8Array): KeyPlace | undefined {
    return this.#book.placeOf(script);
  }

  /** Everything that an account owns, confirmed first. O(its addresses + pool). */
  coins(account: number, chain: WalletChain): readonly WalletCoin[] {
    for (;;) {
      const confirmed = this.#confirmed(account, chain);
      const all = [...confirmed, ...this.#pooled(account, chain)];
      // Coins near the end of what was looked at: there may be more behind it.
      if (!all.some(({ place }) => this.#book.noteUse(place))) return all;
    }
  }

  balance(account: number, chain: WalletChain): Balance {
    const sum = (...states: WalletCoin["state"][]) =>
      sats(this.coins(account, chain).reduce((total, { state, value }) => (states.includes(state) ? total + value : total), 0));
    return { spendable: sum("spendable", "reserved"), immature: sum("immature"), pending: sum("pending") };
  }

  /** Chooses coins, signs, and keeps the coins from other payments until `release`. @throws ChainCoreError "insufficient-funds" */
  async pay(request: PaymentRequest, chain: WalletChain): Promise<Payment> {
    const coins = this.coins(request.account, chain).filter(({ state }) => state === "spendable");
    const selection = selectCoins({
      coins: coins.toSorted((a, b) => Number(b.confirmations > 0) - Number(a.confirmations > 0)),
      amount: request.amount,
      feeRate: request.feeRate,
      baseVsize: FRAME_VSIZE + 9 + request.script.length,
      inputVsize: INPUT_VSIZE,
      changeVsize: CHANGE_VSIZE,
      changeMin: CHANGE_MIN,
      subtractsFee: request.subtractsFee ?? false,
    });
    if (selection === undefined) throw insufficientFunds(request, coins, this.balance(request.account, chain));
    const keys = selection.coins.map(({ key }) => key);
    for (const key of keys) this.#reserved.add(key);
    const release = () => {
      for (const key of keys) this.#reserved.delete(key);
    };
    try {
      const outputs = [{ script: request.script, value: selection.paid }];
      if (selection.change > 0) {
        outputs.push({ script: (await this.#book.next(request.account, 1)).script, value: selection.change });
      }
      const transaction = await signTransaction(this.#keyring, selection.coins, outputs, chain.height);
      return { transaction, fee: sats(selection.fee), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #confirmed(account: number, chain: WalletChain): WalletCoin[] {
    return this.#book.scripts(account).flatMap(({ script, place }) =>
      chain.coinsOf(script).map(([outpoint, coin]): WalletCoin => {
        const key = outpointKeyAt(outpoint, 0);
        const confirmations = chain.height - coin.height + 1;
        const isYoung = coin.isCoinbase && confirmations < chain.coinbaseMaturity;
        return {
          ...outpointAt(outpoint, 0),
          value: coin.value,
          script,
          place,
          coin,
          key,
          confirmations,
          state: this.#stateOf(key, chain, isYoung),
        };
      }),
    );
  }

  /** Outputs of pooled transactions; of our own ones they are spendable, as nobody else can take them back. */
  #pooled(account: number, chain: WalletChain): WalletCoin[] {
    this.#book.scripts(account);
    const found: WalletCoin[] = [];
    for (const tx of chain.pooled()) {
      for (let vout = 0; vout < tx.outputCount; vout++) {
        const script = tx.outputScript(vout);
        const place = this.#book.placeOf(script);
        if (place?.account !== account) continue;
        const key = outpointKey(tx.txid, vout);
        const value = tx.value(vout);
        const coin: Coin = { value, script, height: UNCONFIRMED as Coin["height"], isCoinbase: false };
        const state = place.branch === 1 ? this.#stateOf(key, chain, false) : "pending";
        found.push({ txid: tx.txid, vout, value, script, place, coin, key, confirmations: 0, state });
      }
    }
    return found;
  }

  #stateOf(key: OutpointKey, chain: WalletChain, isImmature: boolean): WalletCoin["state"] {
    if (isImmature) return "immature";
    if (chain.spenderOf(key) !== undefined) return "spent-in-pool";
    return this.#reserved.has(key) ? "reserved" : "spendable";
  }
}

function insufficientFunds(request: PaymentRequest, coins: readonly WalletCoin[], balance: Balance): ChainCoreError {
  const has = coins.reduce((total, { value }) => total + value, 0);
  const later = balance.immature > 0 ? `; ${formatMoney(balance.immature)} more mature later: mine on` : "";
  const message = `account ${request.account} has ${formatMoney(has)} coins to spend, ${formatMoney(request.amount)} and a fee are needed${later}`;
  return new ChainCoreError("insufficient-funds", message, {
    detail: { account: request.account, spendableSats: has, amountSats: request.amount },
  });
}
