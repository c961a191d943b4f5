import type { Accounts, AccountView, OwnedCoin } from "../api/ports.ts";
import { ChainCoreError } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import { addressOfScript } from "../primitives/address.ts";
import { type FeeRate, type Sats, sats } from "../primitives/units.ts";
import type { Wallet, WalletChain, WalletCoin } from "../wallet/wallet.ts";
import { acceptTransaction } from "./accept-transaction.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";

/** Accounts that `accounts` lists: one each for the nodes of a session of usual size. */
const ACCOUNTS_LISTED = 10;
/** Satoshis per 1,000 virtual bytes where nobody says: ten times the relay floor, one satoshi a byte. An idle chain has no fees to learn from. */
const FEE_RATE_DEFAULT = 1000;

type SendRequest = Parameters<Accounts["send"]>[1];

/** The node's accounts, over its chain and pool. */
export class NodeAccounts implements Accounts {
  readonly #node: NodeParts;
  readonly #wallet: Wallet;
  /** The node's own account. */
  readonly account: number;
  readonly usesDevelopmentMnemonic: boolean;

  constructor(node: NodeParts, wallet: Wallet, own: { readonly account: number; readonly usesDevelopmentMnemonic: boolean }) {
    this.#node = node;
    this.#wallet = wallet;
    this.account = own.account;
    this.usesDevelopmentMnemonic = own.usesDevelopmentMnemonic;
  }

  /** Where the node's blocks pay to. */
  firstScript(): Uint8Array {
    return this.#wallet.firstScript(this.account);
  }

  async list(_at: Root): Promise<readonly AccountView[]> {
    return this.#withChain((chain) =>
      Array.from({ length: Math.max(ACCOUNTS_LISTED, this.account + 1) }, (_, index) => {
        const { spendable, immature, pending } = this.#wallet.balance(index, chain);
        const address = this.#addressOf(this.#wallet.firstScript(index));
        return { index, address, spendableSats: spendable, immatureSats: immature, pendingSats: pending };
      }),
    );
  }

  async newAddress(at: Root, _label: string): Promise<string> {
    this.#node.locks.noteInputOutput(at, "the address book");
    return this.#addressOf(await this.#wallet.newScript(this.account));
  }

  async balance(_at: Root, minConfirmations: number): Promise<Sats> {
    const coins = this.#withChain((chain) => this.#wallet.coins(this.account, chain));
    const counted = coins.filter((coin) => coin.state === "spendable" || coin.state === "reserved");
    return sats(counted.reduce((sum, { value, confirmations }) => (confirmations >= minConfirmations ? sum + value : sum), 0));
  }

  async coins(_at: Root): Promise<readonly OwnedCoin[]> {
    const coins = this.#withChain((chain) => this.#wallet.coins(this.account, chain));
    return coins.filter(({ state }) => state !== "spent-in-pool").map((coin) => this.#owned(coin));
  }

  /** @throws ChainCoreError "insufficient-funds"; "not-accepted" with the pool's own words */
  async send(at: Root, request: SendRequest): Promise<{ txid: WalletCoin["txid"]; fee: Sats; vsize: number }> {
    const { script, amount, account = this.account, subtractsFee = false } = request;
    const feeRate = request.feeRate ?? this.feeRateFloor();
    const payment = await this.#withChain((chain) => this.#wallet.pay({ account, script, amount, feeRate, subtractsFee }, chain));
    try {
      const outcome = await acceptTransaction(at, this.#node, payment.transaction);
      if (outcome.kind === "accepted") return { txid: payment.transaction.txid, fee: payment.fee, vsize: outcome.vsize };
      const reason = outcome.kind === "rejected" ? outcome.why.code : outcome.kind;
      throw new ChainCoreError("not-accepted", `the pool refused the payment: ${reason}`, { detail: { reason } });
    } finally {
      payment.release();
    }
  }

  isMine(script: Uint8Array): boolean {
    return this.#wallet.placeOf(script) !== undefined;
  }

  /** What a payment offers when nobody says: enough for a full pool, too. */
  feeRateFloor(): FeeRate {
    return Math.max(FEE_RATE_DEFAULT, this.#node.mempool.minFeeRate(nowSeconds(this.#node.clock))) as FeeRate;
  }

  /** Coins, height and pool of one moment; `use` may go on asynchronously with what it has read at first. */
  #withChain<R>(use: (chain: WalletChain) => R): R {
    const { chain, mempool, params } = this.#node;
    using snapshot = chain.coins.snapshot();
    return use({
      height: chain.tip.height,
      coinbaseMaturity: params.coinbaseMaturity,
      coinsOf: (script) => snapshot.coinsOf(script),
      pooled: () => Array.from(mempool.entries(), ({ tx }) => tx),
      spenderOf: (key) => mempool.spenderOf(key),
    });
  }

  #owned({ txid, vout, coin, place, script, confirmations, state }: WalletCoin): OwnedCoin {
    const address = this.#addressOf(script);
    return { txid, vout, coin, account: place.account, address, confirmations, isSpendable: state === "spendable" };
  }

  #addressOf(script: Uint8Array): string {
    return addressOfScript(script, this.#node.params.prefixes)!;
  }
}
