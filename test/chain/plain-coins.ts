import type { TipMove } from "../../src/core/chain/outcome.ts";
import type { Block } from "../../src/core/primitives/block.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { type OutpointKey, outpointBytesOf, outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import type { BlockHash, Height } from "../../src/core/primitives/units.ts";
import { coinText } from "./replay.ts";

/** An unspendable output makes no coin (OP_RETURN, or longer than a script may be). */
const isUnspendable = (script: Uint8Array) => script[0] === 0x6a || script.length > 10_000;

/** The coins of the active chain on a plain map, moved as the chain says it has moved: the oracle of snapshots. */
export class PlainCoins {
  readonly #coins = new Map<OutpointKey, Coin>();
  /** Of the active chain, lowest first. */
  readonly #steps: { readonly hash: BlockHash; readonly made: OutpointKey[]; readonly spent: [OutpointKey, Coin][] }[] = [];

  follow({ disconnected, connected }: Pick<TipMove, "disconnected" | "connected">): void {
    for (const hash of disconnected) this.#disconnect(hash);
    for (const block of connected) this.#connect(block);
  }

  /** All coins, as comparable text; the same words as coinsOf. */
  text(): Map<OutpointKey, string> {
    return new Map([...this.#coins].map(([key, coin]) => [key, coinText(coin)]));
  }

  #disconnect(hash: BlockHash): void {
    const step = this.#steps.pop();
    if (step?.hash !== hash) throw new Error(`${hash} is disconnected out of order`);
    for (const key of step.made) this.#coins.delete(key);
    for (const [key, coin] of step.spent) this.#coins.set(key, coin);
  }

  #connect(block: Block): void {
    const height = (this.#steps.length + 1) as Height;
    const made = new Set<OutpointKey>();
    const spent: [OutpointKey, Coin][] = [];
    for (const tx of block.transactions) {
      for (let i = 0; i < (tx.isCoinbase ? 0 : tx.inputCount); i++) {
        const key = tx.prevoutKey(i);
        const coin = this.#coins.get(key);
        if (coin === undefined) throw new Error(`block ${block.hash} spends a coin that is not there`);
        this.#coins.delete(key);
        if (!made.delete(key)) spent.push([key, coin]);
      }
      for (let i = 0; i < tx.outputCount; i++) {
        const script = tx.outputScript(i);
        if (isUnspendable(script)) continue;
        const key = outpointKeyAt(outpointBytesOf(tx.txidBytes, i), 0);
        this.#coins.set(key, { value: tx.value(i), script, height, isCoinbase: tx.isCoinbase });
        made.add(key);
      }
    }
    this.#steps.push({ hash: block.hash, made: [...made], spent });
  }
}
