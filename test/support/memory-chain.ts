import { mustCheckBip30, OVERWRITES_COINS } from "../../src/core/consensus/bip30.ts";
import { blockFlags } from "../../src/core/consensus/block-flags.ts";
import { checkBlockInContext, findWitnessCommitment } from "../../src/core/consensus/block-in-context.ts";
import { BlockTally } from "../../src/core/consensus/block-tally.ts";
import { checkBlock } from "../../src/core/consensus/check-block.ts";
import { checkHeader } from "../../src/core/consensus/check-header.ts";
import { type HeaderAncestry, MEDIAN_TIME_SPAN, medianTime } from "../../src/core/consensus/header-ancestry.ts";
import type { NetworkParams } from "../../src/core/consensus/params.ts";
import { type Invalid, invalid } from "../../src/core/consensus/verdict.ts";
import { MISSING_INPUTS } from "../../src/core/consensus/verify-inputs.ts";
import { Reader } from "../../src/core/encoding/reader.ts";
import { Block } from "../../src/core/primitives/block.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { Header } from "../../src/core/primitives/header.ts";
import { type OutpointKey, outpointBytesOf, outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import { workOfBits } from "../../src/core/primitives/target.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { BlockHash, Height, UnixSeconds } from "../../src/core/primitives/units.ts";
import { scriptErrorText } from "../../src/core/script/script-error.ts";
import { isUnspendable } from "../../src/core/script/script-forms.ts";
import type { SignatureChecker } from "../../src/core/script/signature-checker.ts";
import { verifyTransaction } from "../../src/core/script/verify-input.ts";

/** A block of the tree; `block` is undefined while only its header is known. */
export class MemoryEntry implements HeaderAncestry {
  readonly header: Header;
  readonly parent: MemoryEntry | undefined;
  readonly height: Height;
  readonly chainwork: bigint;
  readonly medianTimePast: number;
  block: Block | undefined;
  isInvalid = false;
  /** When it and all before it had bodies. */
  arrival = Number.POSITIVE_INFINITY;
  spent: (readonly Coin[])[] = [];

  constructor(header: Header, parent: MemoryEntry | undefined) {
    this.header = header;
    this.parent = parent;
    this.height = (parent === undefined ? 0 : parent.height + 1) as Height;
    this.chainwork = (parent?.chainwork ?? 0n) + workOfBits(header.bits);
    const times: number[] = [];
    for (let at: MemoryEntry | undefined = this; at && times.length < MEDIAN_TIME_SPAN; at = at.parent)
      times.push(at.header.time);
    this.medianTimePast = medianTime(times);
  }

  get hash(): BlockHash {
    return this.header.hash;
  }

  get time(): UnixSeconds {
    return this.header.time;
  }

  get bits(): number {
    return this.header.bits;
  }

  ancestor(height: number): MemoryEntry | undefined {
    if (height > this.height) return undefined;
    let at: MemoryEntry = this;
    while (at.height > height) at = at.parent!;
    return at;
  }
}

/**
 * The smallest chain that the rules can be held against Bitcoin Core's with: a tree, a map of coins, no disk, no threads.
 * It says what submitblock says. A second implementation of what src/core/chain does, made for tests only.
 */
export class MemoryChain {
  readonly params: NetworkParams;
  readonly checker: SignatureChecker | undefined;
  readonly entries = new Map<BlockHash, MemoryEntry>();
  readonly coins = new Map<OutpointKey, Coin>();
  tip: MemoryEntry;
  nowSeconds = 0;
  #arrivals = 0;
  #parking: { readonly tip: MemoryEntry; readonly known: ReadonlySet<MemoryEntry> } | undefined;
  /** Transactions of blocks that the last submission disconnected, in chain order. */
  displaced: Transaction[] = [];
  connected: Block[] = [];
  #verdicts = new Map<MemoryEntry, Invalid>();

  /** @param checker undefined: scripts are not run. */
  constructor(params: NetworkParams, checker?: SignatureChecker) {
    this.params = params;
    this.checker = checker;
    const genesis = Block.decode(params.genesis);
    this.tip = new MemoryEntry(genesis.header, undefined);
    this.tip.block = genesis;
    this.tip.arrival = this.#arrivals++;
    this.entries.set(genesis.hash, this.tip);
  }

  /** submitblock: null, or Core's string. */
  submit(raw: Uint8Array): string | null {
    const block = this.#decode(raw);
    if (block === undefined) return "undecodable";
    this.displaced = [];
    this.connected = [];
    const known = this.entries.get(block.hash);
    if (known?.isInvalid) return "duplicate-invalid";
    if (known?.block) return "duplicate";
    const verdict = checkBlock(block, this.params) ?? this.#accept(block);
    if (verdict) return verdict.code;
    const entry = this.entries.get(block.hash)!;
    return this.#verdicts.get(entry)?.code ?? (this.tip.ancestor(entry.height) === entry ? null : "inconclusive");
  }

  submitHeader(raw: Uint8Array): Invalid | undefined {
    const result = this.#acceptHeader(Header.decode(raw));
    return result instanceof MemoryEntry ? undefined : result;
  }

  /** What `snapshot restore` does: the block becomes the tip, and nothing that is stored now counts against it. */
  restore(hash: BlockHash): void {
    const known = [...this.entries.values()].filter(({ arrival }) => arrival !== Number.POSITIVE_INFINITY);
    this.#parking = { tip: this.entries.get(hash)!, known: new Set(known) };
    this.#moveTo(this.#parking.tip);
    this.#unparkIfOutdone();
  }

  /** Built on the restored tip, by a block that was not known when it was restored. */
  #counts(entry: MemoryEntry): boolean {
    if (this.#parking === undefined) return true;
    const { tip, known } = this.#parking;
    const first = entry.ancestor(tip.height + 1);
    return entry === tip || (first?.parent === tip && !known.has(first));
  }

  #unparkIfOutdone(): void {
    const rivals = [...this.entries.values()].filter((entry) => !this.#counts(entry) && isCandidate(entry));
    if (!rivals.some((entry) => isBetter(entry, this.tip))) this.#parking = undefined;
  }

  invalidateTip(): void {
    const { tip } = this;
    this.#disconnect();
    this.#condemn(tip);
    this.#activateBest();
  }

  findCoin(bytes: Uint8Array, offset: number): Coin | undefined {
    return this.coins.get(outpointKeyAt(bytes, offset));
  }

  /** Whether an output of a transaction is an unspent coin. */
  hasOutput(tx: Transaction, vout: number): boolean {
    return this.coins.has(outpointKeyAt(outpointBytesOf(tx.txidBytes, vout), 0));
  }

  #decode(raw: Uint8Array): Block | undefined {
    try {
      return withReservedValue(Block.read(new Reader(raw)));
    } catch {
      return undefined;
    }
  }

  #acceptHeader(header: Header): MemoryEntry | Invalid {
    const known = this.entries.get(header.hash);
    if (known) return known;
    const parent = this.entries.get(header.prevHash);
    if (parent === undefined) return invalid("prev-blk-not-found");
    if (parent.isInvalid) return invalid("bad-prevblk");
    const verdict = checkHeader(header, parent, this.params, this.nowSeconds);
    if (verdict) return verdict;
    const entry = new MemoryEntry(header, parent);
    this.entries.set(entry.hash, entry);
    return entry;
  }

  #accept(block: Block): Invalid | undefined {
    const entry = this.#acceptHeader(block.header);
    if (!(entry instanceof MemoryEntry)) return entry;
    const verdict = checkBlockInContext(block, entry.parent!, this.params);
    if (verdict) {
      if (!verdict.bodyMutated) this.#condemn(entry);
      return verdict;
    }
    entry.block = block;
    this.#arrive(entry);
    this.#activateBest();
    return undefined;
  }

  /** Bodies that waited for an ancestor's become candidates with it, in the order of the tree. */
  #arrive(entry: MemoryEntry): void {
    if (entry.block === undefined || entry.parent!.arrival === Number.POSITIVE_INFINITY) return;
    entry.arrival = this.#arrivals++;
    for (const child of this.entries.values()) if (child.parent === entry) this.#arrive(child);
  }

  #condemn(entry: MemoryEntry): void {
    entry.isInvalid = true;
    for (const child of this.entries.values()) if (child.parent === entry && !child.isInvalid) this.#condemn(child);
  }

  #activateBest(): void {
    for (;;) {
      let best = this.tip;
      for (const entry of this.entries.values()) {
        if (isCandidate(entry) && this.#counts(entry) && isBetter(entry, best)) best = entry;
      }
      if (best === this.tip) break;
      this.#moveTo(best);
    }
    this.#unparkIfOutdone();
  }

  #moveTo(target: MemoryEntry): void {
    const path: MemoryEntry[] = [];
    let fork: MemoryEntry = target;
    while (this.tip.ancestor(fork.height) !== fork) {
      path.unshift(fork);
      fork = fork.parent!;
    }
    while (this.tip !== fork) this.#disconnect();
    for (const entry of path) {
      const verdict = this.#connect(entry);
      if (verdict) {
        this.#verdicts.set(entry, verdict);
        this.#condemn(entry);
        return;
      }
      this.connected.push(entry.block!);
    }
  }

  #disconnect(): void {
    const { tip } = this;
    tip.block!.transactions.toReversed().forEach((tx, backwards) => {
      const index = tip.block!.transactions.length - 1 - backwards;
      for (let i = 0; i < tx.outputCount; i++) this.coins.delete(outpointKeyAt(outpointBytesOf(tx.txidBytes, i), 0));
      tip.spent[index]!.forEach((coin, i) => {
        this.coins.set(tx.prevoutKey(i), coin);
      });
    });
    this.displaced.unshift(...tip.block!.transactions.slice(1));
    this.tip = tip.parent!;
  }

  #connect(entry: MemoryEntry): Invalid | undefined {
    const { block, parent } = entry;
    if (mustCheckBip30(entry.hash, parent!, this.params)) {
      for (const tx of block!.transactions) {
        for (let i = 0; i < tx.outputCount; i++) {
          if (this.coins.has(outpointKeyAt(outpointBytesOf(tx.txidBytes, i), 0))) return OVERWRITES_COINS;
        }
      }
    }
    const undo: (() => void)[] = [];
    const verdict = this.#spend(entry, undo);
    if (verdict) for (const step of undo.reverse()) step();
    else this.tip = entry;
    return verdict;
  }

  #spend(entry: MemoryEntry, undo: (() => void)[]): Invalid | undefined {
    const block = entry.block!;
    const flags = blockFlags(entry.height, entry.hash, this.params);
    const tally = new BlockTally(entry.parent!, this.params, flags);
    entry.spent = [];
    for (const tx of block.transactions) {
      const spent = tx.isCoinbase ? [] : this.#take(tx, undo);
      if (spent === undefined) return MISSING_INPUTS;
      entry.spent.push(spent);
      const verdict = tally.add(tx, spent);
      if (verdict) return verdict;
      this.#create(tx, entry.height, undo);
    }
    return tally.finish() ?? this.#runScripts(entry, flags);
  }

  #runScripts(entry: MemoryEntry, flags: number): Invalid | undefined {
    if (this.checker === undefined) return undefined;
    for (const [index, tx] of entry.block!.transactions.entries()) {
      if (index === 0) continue;
      const failure = verifyTransaction(tx, entry.spent[index]!, flags, this.checker);
      if (failure) return invalid(`block-script-verify-flag-failed (${scriptErrorText(failure.error)})`);
    }
    return undefined;
  }

  #take(tx: Transaction, undo: (() => void)[]): readonly Coin[] | undefined {
    const spent: Coin[] = [];
    for (let i = 0; i < tx.inputCount; i++) {
      const key = tx.prevoutKey(i);
      const coin = this.coins.get(key);
      if (coin === undefined) return undefined;
      spent.push(coin);
    }
    spent.forEach((coin, i) => {
      const key = tx.prevoutKey(i);
      this.coins.delete(key);
      undo.push(() => this.coins.set(key, coin));
    });
    return spent;
  }

  #create(tx: Transaction, height: Height, undo: (() => void)[]): void {
    for (let i = 0; i < tx.outputCount; i++) {
      if (isUnspendable(tx.outputScript(i))) continue;
      const key = outpointKeyAt(outpointBytesOf(tx.txidBytes, i), 0);
      this.coins.set(key, { value: tx.value(i), script: tx.outputScript(i), height, isCoinbase: tx.isCoinbase });
      undo.push(() => this.coins.delete(key));
    }
  }
}

function isCandidate(entry: MemoryEntry): boolean {
  return !entry.isInvalid && entry.arrival !== Number.POSITIVE_INFINITY;
}

function isBetter(a: MemoryEntry, b: MemoryEntry): boolean {
  return a.chainwork > b.chainwork || (a.chainwork === b.chainwork && a.arrival < b.arrival);
}

/** submitblock's courtesy: a coinbase that commits to witnesses and has none gets the usual reserved value. */
export function withReservedValue(block: Block): Block {
  const coinbase = block.transactions[0];
  if (!coinbase?.isCoinbase || coinbase.hasWitness || findWitnessCommitment(coinbase) === undefined) return block;
  const [input] = coinbase.inputs;
  const filled = Transaction.build({
    version: coinbase.version,
    inputs: [{ ...input!, witness: [new Uint8Array(32)] }],
    outputs: coinbase.outputs,
    lockTime: coinbase.lockTime,
  });
  return Block.build(block.header, [filled, ...block.transactions.slice(1)]);
}
