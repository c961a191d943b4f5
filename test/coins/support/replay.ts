import type { CoinChange } from "../../../src/core/coins/changes.ts";
import { Reader } from "../../../src/core/encoding/reader.ts";
import { Block } from "../../../src/core/primitives/block.ts";
import type { Coin } from "../../../src/core/primitives/coin.ts";
import { outpointBytesOf, outpointKeyAt } from "../../../src/core/primitives/outpoint.ts";
import type { BlockHash } from "../../../src/core/primitives/units.ts";
import { height as heightOf, sats } from "../../../src/core/primitives/units.ts";
import { type Coins, netOf, type Step } from "./history.ts";

interface Entry {
  readonly block: Block;
  /** Set while the block is connected. */
  step?: Step;
}

/** Follows recorded tips with coins only: what a block spends and makes. No rule is checked; the records say what was valid. */
export class Replay {
  readonly #blocks = new Map<BlockHash, Entry>();
  readonly #coins: Coins = new Map();
  #tip: BlockHash | undefined;

  get tip(): BlockHash | undefined {
    return this.#tip;
  }

  get size(): number {
    return this.#coins.size;
  }

  /** Keeps a block that may come to be connected. Bytes behind it are ignored, as Bitcoin Core's submitblock does. */
  add(bytes: Uint8Array): BlockHash {
    const block = Block.read(new Reader(bytes));
    if (!this.#blocks.has(block.hash)) this.#blocks.set(block.hash, { block });
    return block.hash;
  }

  /** The height of a known block whose ancestors are known too (a body may come before its parent's). */
  heightOf(hash: BlockHash): number {
    let height = 0;
    for (let at = this.#blocks.get(this.#parent(hash)); at !== undefined; at = this.#blocks.get(at.block.header.prevHash))
      height++;
    return height;
  }

  #parent(hash: BlockHash): BlockHash {
    return this.#blocks.get(hash)!.block.header.prevHash;
  }

  /** The net change from the present tip to another. */
  moveTo(tip: BlockHash): CoinChange {
    const steps: Step[] = [];
    const path: Entry[] = [];
    let to: BlockHash | undefined = tip;
    while (to !== undefined && this.#blocks.has(to) && this.#blocks.get(to)!.step === undefined) {
      path.push(this.#blocks.get(to)!);
      to = this.#blocks.get(to)!.block.header.prevHash;
    }
    while (this.#tip !== undefined && this.#tip !== to) steps.push(this.#disconnect());
    for (const entry of path.reverse()) steps.push(this.#connect(entry));
    return netOf(steps);
  }

  #connect(entry: Entry): Step {
    const step: Step = { spent: new Map(), created: new Map() };
    const height = this.heightOf(entry.block.hash);
    // Genesis makes no coin; in a block, a transaction may spend what an earlier one made.
    for (const tx of height === 0 ? [] : entry.block.transactions) {
      for (let i = 0; i < tx.inputCount && !tx.isCoinbase; i++) this.#spend(step, outpointKeyAt(tx.raw, tx.prevoutOffset(i)));
      for (const [vout, output] of tx.outputs.entries()) {
        if (output.script[0] === 0x6a || output.script.length > 10_000) continue;
        const coin: Coin = {
          value: sats(output.value),
          script: output.script,
          height: heightOf(height),
          isCoinbase: tx.isCoinbase,
        };
        const outpoint = outpointBytesOf(tx.txidBytes, vout);
        step.created.set(outpointKeyAt(outpoint, 0), { outpoint, coin });
        this.#coins.set(outpointKeyAt(outpoint, 0), { outpoint, coin });
      }
    }
    this.#tip = entry.block.hash;
    entry.step = step;
    return step;
  }

  #spend(step: Step, key: ReturnType<typeof outpointKeyAt>): void {
    const coin = this.#coins.get(key);
    if (coin === undefined) throw new Error(`no coin at ${Buffer.from(key, "latin1").toString("hex")}`);
    this.#coins.delete(key);
    if (!step.created.delete(key)) step.spent.set(key, coin);
  }

  #disconnect(): Step {
    const entry = this.#blocks.get(this.#tip!)!;
    const { spent, created } = entry.step!;
    for (const key of created.keys()) this.#coins.delete(key);
    for (const [key, coin] of spent) this.#coins.set(key, coin);
    delete entry.step;
    this.#tip = entry.block.header.prevHash;
    return { spent: created, created: spent };
  }
}
