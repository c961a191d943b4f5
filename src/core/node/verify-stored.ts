import { availableParallelism } from "node:os";
import type { VerifyAnswer } from "../client/answers.ts";
import { blockFlags } from "../consensus/block-flags.ts";
import { checkBlockInContext } from "../consensus/block-in-context.ts";
import { BlockTally } from "../consensus/block-tally.ts";
import { checkBlock } from "../consensus/check-block.ts";
import { type Invalid, verdictText } from "../consensus/verdict.ts";
import { bytesEqual } from "../encoding/hash.ts";
import { ChainCoreError } from "../errors.ts";
import type { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { type OutpointKey, outpointBytesOf, outpointKeyAt } from "../primitives/outpoint.ts";
import type { Height } from "../primitives/units.ts";
import { scriptErrorText } from "../script/script-error.ts";
import { isUnspendable } from "../script/script-forms.ts";
import { createVerifier, type ScriptVerifier } from "../verify/verifier.ts";
import type { VerifyJob } from "../verify/verify-call.ts";
import type { NodeParts } from "./parts.ts";

export interface VerifyRange {
  /** The first and the last height that are verified. By default 1 and the tip. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Threads that run scripts; by default one a core. */
  readonly threads?: number | undefined;
}

/** Inputs whose scripts are under way before the reading of blocks waits for them: some MB of transactions. */
const INPUTS_AHEAD_MAX = 20_000;
/** A walk over a long chain may take so long while the node goes on. */
const SNAPSHOT_MS = 24 * 3_600_000;

/**
 * Holds stored blocks against every rule again, scripts on all cores and nothing remembered, and the coins that undo data
 * says they spent against those that the blocks before made. Over the whole chain, the coins left at the end are compared with
 * the table, one by one. The node goes on meanwhile: what is verified is the chain as it stood at the start.
 * @throws ChainCoreError "chain-differs" at the first block or coin that is not as it should be; "verify-range"
 */
export async function verifyStored(node: NodeParts, range: VerifyRange = {}): Promise<VerifyAnswer> {
  const { chain, clock } = node;
  using snapshot = chain.coins.snapshot({ leaseMs: SNAPSHOT_MS });
  const { tip } = chain;
  const { from = 1, to = tip.height } = range;
  if (!(from >= 1 && from <= to + 1 && to <= tip.height)) {
    throw new ChainCoreError("verify-range", `heights 1 to ${tip.height} can be verified, not ${from} to ${to}`);
  }
  const hashes = Array.from({ length: to - from + 1 }, (_, i) => chain.atHeight(from + i)!.hash);
  const start = clock.monotonicMs();
  const verifier = createVerifier({ workers: range.threads ?? availableParallelism(), rememberedMax: 0 });
  const walk = new Walk(node, verifier, from === 1);
  try {
    for (const hash of hashes) await walk.take(hash);
    await walk.settle();
  } finally {
    await verifier.close();
  }
  const isWhole = from === 1 && to === tip.height;
  const coins = isWhole ? walk.compareCoins(snapshot) : null;
  const seconds = (clock.monotonicMs() - start) / 1000;
  const { blocks, transactions, inputs } = walk;
  return {
    from,
    to,
    tip: tip.hash,
    blocks,
    transactions,
    inputs,
    coins,
    seconds,
    inputsPerSecond: inputs / Math.max(seconds, 1e-3),
  };
}

/** One pass over blocks, lowest first. */
class Walk {
  blocks = 0;
  transactions = 0;
  inputs = 0;
  readonly #node: NodeParts;
  readonly #verifier: ScriptVerifier;
  /** What the blocks so far have left unspent; only where the walk began at the first. */
  readonly #coins: Map<OutpointKey, Coin> | undefined;
  readonly #pending = new Set<Promise<void>>();
  #inputsAhead = 0;
  #failure: ChainCoreError | undefined;

  constructor(node: NodeParts, verifier: ScriptVerifier, keepsCoins: boolean) {
    this.#node = node;
    this.#verifier = verifier;
    this.#coins = keepsCoins ? new Map() : undefined;
  }

  async take(hash: Block["hash"]): Promise<void> {
    const { chain, params } = this.#node;
    const [block, spentByTransaction] = await Promise.all([chain.readBlock(hash), chain.readSpentCoins(hash)]);
    if (block === undefined || spentByTransaction === undefined) throw differs(hash, "its body or its undo data is not stored");
    const parent = chain.find(block.header.prevHash)!;
    const flags = blockFlags(parent.height + 1, hash, params);
    const tally = new BlockTally(parent, params, flags);
    refuse(hash, checkBlock(block, params) ?? checkBlockInContext(block, parent, params));
    const jobs: VerifyJob[] = [];
    block.transactions.forEach((tx, index) => {
      const spent = index === 0 ? [] : spentByTransaction[index - 1]!;
      refuse(hash, tally.add(tx, spent));
      this.#replay(block, index, spent, (parent.height + 1) as Height);
      if (index > 0) jobs.push({ tx, spent, flags });
    });
    refuse(hash, tally.finish());
    this.blocks++;
    this.transactions += block.transactions.length;
    await this.#run(block, jobs);
  }

  /** Waits for all scripts. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Every coin of the snapshot is one of ours, and there are as many. @returns how many */
  compareCoins(snapshot: { coins(): Iterable<readonly [Uint8Array, Coin]> }): number {
    const coins = this.#coins!;
    let count = 0;
    for (const [outpoint, coin] of snapshot.coins()) {
      const wanted = coins.get(outpointKeyAt(outpoint, 0));
      if (wanted === undefined || !isSame(wanted, coin)) throw coinsDiffer("the table has a coin that the blocks did not make");
      count++;
    }
    if (count !== coins.size) throw coinsDiffer(`the table has ${count} coins, the blocks left ${coins.size}`);
    return count;
  }

  #replay(block: Block, index: number, spent: readonly Coin[], height: Height): void {
    const coins = this.#coins;
    if (coins === undefined) return;
    const tx = block.transactions[index]!;
    spent.forEach((coin, input) => {
      const key = tx.prevoutKey(input);
      const made = coins.get(key);
      if (made === undefined || !isSame(made, coin))
        throw differs(block.hash, `input ${input} of ${tx.txid} spends a coin that is not there`);
      coins.delete(key);
    });
    for (let vout = 0; vout < tx.outputCount; vout++) {
      const script = tx.outputScript(vout);
      if (isUnspendable(script)) continue;
      const coin = { value: tx.value(vout), script, height, isCoinbase: index === 0 };
      coins.set(outpointKeyAt(outpointBytesOf(tx.txidBytes, vout), 0), coin);
    }
  }

  /** Hands scripts to the threads, and waits only when they are far behind. */
  async #run(block: Block, jobs: readonly VerifyJob[]): Promise<void> {
    const inputs = jobs.reduce((sum, { tx }) => sum + tx.inputCount, 0);
    this.inputs += inputs;
    this.#inputsAhead += inputs;
    const run = this.#verifier.verify(jobs).then((failures) => {
      this.#inputsAhead -= inputs;
      const at = failures.findIndex((failure) => failure !== undefined);
      if (at === -1) return;
      const { input, error } = failures[at]!;
      this.#failure ??= differs(block.hash, `input ${input} of ${jobs[at]!.tx.txid}: ${scriptErrorText(error)}`);
    });
    const pending = run.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
    while (this.#inputsAhead > INPUTS_AHEAD_MAX) await Promise.race(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function refuse(hash: Block["hash"], verdict: Invalid | undefined): void {
  if (verdict !== undefined) throw differs(hash, verdictText(verdict));
}

function differs(hash: string, what: string): ChainCoreError {
  return new ChainCoreError(
    "chain-differs",
    `block ${hash} does not hold: ${what}; rebuild the node with \`chaincore node --reindex\``,
    {
      detail: { hash, what },
    },
  );
}

function coinsDiffer(what: string): ChainCoreError {
  return new ChainCoreError("chain-differs", `${what}; rebuild the node with \`chaincore node --reindex\``, { detail: { what } });
}

function isSame(a: Coin, b: Coin): boolean {
  return a.value === b.value && a.height === b.height && a.isCoinbase === b.isCoinbase && bytesEqual(a.script, b.script);
}
