import type { BlockEntry } from "../../chain/block-entry.ts";
import type { BlockOutcome } from "../../chain/outcome.ts";
import type { Clock } from "../../ports.ts";
import { Block } from "../../primitives/block.ts";
import type { BlockHash } from "../../primitives/units.ts";
import { decodeBodies, encodeHashes } from "../bodies-message.ts";
import type { Judge } from "../link.ts";
import { BLOCKS_MAX } from "../messages.ts";
import type { PeerChain } from "../ports.ts";
import { ask } from "./ask.ts";
import { lastComplete, windowAbove } from "./download-window.ts";
import type { LinkState } from "./link-state.ts";

/** Bodies asked of one link at once; small enough that several links share a window. */
const REQUEST_BLOCKS = 16;
/** Requests of one link under way, so that it is never idle between two. */
const REQUESTS_PER_LINK = 2;
/** Bodies that have come before their turn. */
const ARRIVED_BYTES_MAX = 64_000_000;
/** One commit takes so many bytes of bodies; the tip is seen to move, and a crash loses little. */
const CONNECT_BYTES = 8_000_000;
const CONNECT_BLOCKS = 256;
/** The block that all wait for is asked of a second link after this. */
const STALL_MS = 2_000;
const ANSWER_MS = 30_000;
const CHECK_MS = 500;
/** A link that refused is asked again after this. */
const REST_MS = 400;

interface Deps {
  readonly chain: PeerChain;
  readonly judge: Judge;
  readonly clock: Clock;
  readonly links: Iterable<LinkState>;
  /** Sees to work that nobody awaits. */
  readonly run: (work: Promise<void>) => void;
}

interface Arrived {
  readonly block: Block;
  readonly from: LinkState;
}

interface UnderWay {
  readonly askedMs: number;
  readonly asked: Set<LinkState>;
}

/**
 * Fetches the bodies of the best branch that any link has shown, from all links that have it, and hands them to the chain in
 * order. Nothing here outlives a crash, and nothing has to: what is missing is seen in the tree.
 */
export class BlockDownload {
  readonly #deps: Deps;
  readonly #underWay = new Map<BlockHash, UnderWay>();
  readonly #arrived = new Map<BlockHash, Arrived>();
  #arrivedBytes = 0;
  #isConnecting = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The block that is being worked towards; undefined when no link has shown a better one than ours. */
  get target(): BlockEntry | undefined {
    const { chain, links } = this.#deps;
    let best: BlockEntry | undefined;
    for (const { bestKnown } of links) {
      if (bestKnown === undefined || bestKnown.isInvalid || bestKnown.chainwork <= chain.tip.chainwork) continue;
      if (bestKnown.isComplete) continue; // The chain has it, and had a reason: a restored snapshot parks better branches.
      if (best === undefined || bestKnown.chainwork > best.chainwork) best = bestKnown;
    }
    return best;
  }

  /** A body that came by another way is on its way, or here: it need not be asked for. */
  reserve(hash: BlockHash, from: LinkState): () => void {
    if (this.#underWay.has(hash)) return () => undefined;
    const entry = { askedMs: this.#deps.clock.monotonicMs(), asked: new Set([from]) };
    this.#underWay.set(hash, entry);
    return () => {
      if (this.#underWay.get(hash) === entry) this.#underWay.delete(hash);
    };
  }

  has(hash: BlockHash): boolean {
    return this.#underWay.has(hash) || this.#arrived.has(hash);
  }

  /** Asks for what is missing, of whoever has it and room for a question. Call it whenever something has changed; it is cheap. */
  schedule(): void {
    const { target } = this;
    if (this.#isStopped) return;
    if (target === undefined) {
      this.#rest();
      return;
    }
    const window = windowAbove(lastComplete(target), target);
    this.#assign(window);
    this.#watch();
    this.#deps.run(this.#connect(window));
  }

  stop(): void {
    this.#isStopped = true;
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#arrived.clear();
    this.#arrivedBytes = 0;
  }

  #watch(): void {
    this.#timer ??= setInterval(() => this.schedule(), CHECK_MS).unref();
  }

  #assign(window: readonly BlockEntry[]): void {
    const now = this.#deps.clock.monotonicMs();
    const free = [...this.#deps.links].filter(
      (state) => !state.isClosed && state.blockRequests < REQUESTS_PER_LINK && state.restsUntilMs <= now,
    );
    if (free.length === 0) return;
    const missing = window.filter((entry) => !entry.hasBody && this.#isWanted(entry, entry === window[0]));
    const share = Math.max(
      1,
      Math.min(REQUEST_BLOCKS, BLOCKS_MAX, Math.ceil(missing.length / (free.length * REQUESTS_PER_LINK))),
    );
    free.sort((a, b) => a.blockRequests - b.blockRequests);
    for (let round = 0; round < REQUESTS_PER_LINK; round++) {
      for (const state of free) {
        if (state.blockRequests >= REQUESTS_PER_LINK) continue;
        const mine = takeFor(state, missing, share, this.#underWay);
        if (mine.length > 0) this.#deps.run(this.#fetch(state, mine));
      }
    }
  }

  /** @param isNext nothing can be connected before it has come */
  #isWanted({ hash }: BlockEntry, isNext: boolean): boolean {
    if (this.#arrived.has(hash)) return false;
    const underWay = this.#underWay.get(hash);
    if (underWay === undefined) return isNext || this.#arrivedBytes < ARRIVED_BYTES_MAX;
    return isNext && this.#deps.clock.monotonicMs() - underWay.askedMs > STALL_MS * underWay.asked.size;
  }

  async #fetch(state: LinkState, entries: readonly BlockEntry[]): Promise<void> {
    const { judge, clock } = this.#deps;
    state.blockRequests++;
    for (const { hash } of entries) {
      const underWay = this.#underWay.get(hash) ?? { askedMs: clock.monotonicMs(), asked: new Set() };
      this.#underWay.set(hash, underWay);
      underWay.asked.add(state);
    }
    const bodies = await ask(state, judge, {
      kind: "get-blocks",
      body: encodeHashes(entries.map(({ hash }) => hash)),
      read: (answer) => decodeBodies(answer, entries.length).map((raw) => (raw.length === 0 ? undefined : Block.decode(raw))),
      timeoutMs: ANSWER_MS,
    });
    state.blockRequests--;
    if (bodies === undefined) state.restsUntilMs = clock.monotonicMs() + REST_MS;
    else this.#take(state, entries, bodies);
    for (const { hash } of entries) this.#release(hash, state);
    this.schedule();
  }

  #take(state: LinkState, entries: readonly BlockEntry[], bodies: readonly (Block | undefined)[]): void {
    const { judge } = this.#deps;
    if (bodies.length === 0) {
      state.lacks.add(entries[0]!.hash);
      judge.disappointed(state.link, "no-block");
    }
    for (const [index, block] of bodies.entries()) {
      const { hash, hasBody } = entries[index]!;
      if (block === undefined) {
        state.lacks.add(hash);
        judge.disappointed(state.link, "no-block");
      } else if (block.hash !== hash) {
        judge.misbehaved(state.link, "not-what-was-asked", { asked: hash, sent: block.hash });
        return;
      } else if (!hasBody && !this.#arrived.has(hash)) {
        this.#arrived.set(hash, { block, from: state });
        this.#arrivedBytes += block.size;
      }
    }
  }

  #release(hash: BlockHash, state: LinkState): void {
    const underWay = this.#underWay.get(hash);
    underWay?.asked.delete(state);
    if (underWay?.asked.size === 0 || this.#arrived.has(hash)) this.#underWay.delete(hash);
  }

  /** Hands what stands next in the window to the chain, one commit at a time. */
  async #connect(window: readonly BlockEntry[]): Promise<void> {
    if (this.#isConnecting) return;
    const batch = this.#takeBatch(window);
    if (batch.length === 0) return;
    this.#isConnecting = true;
    try {
      const outcomes = await this.#deps.chain.acceptBlocks(batch.map(({ block }) => block));
      outcomes.forEach((outcome, index) => {
        this.#judge(outcome, batch[index]!);
      });
    } finally {
      this.#isConnecting = false;
    }
    this.schedule();
  }

  #takeBatch(window: readonly BlockEntry[]): readonly Arrived[] {
    const batch: Arrived[] = [];
    let bytes = 0;
    for (const { hash, hasBody } of window) {
      if (hasBody) continue; // Stored before, behind a block that was missing.
      const arrived = this.#arrived.get(hash);
      if (arrived === undefined || batch.length >= CONNECT_BLOCKS || bytes > CONNECT_BYTES) break;
      batch.push(arrived);
      bytes += arrived.block.size;
    }
    for (const { block } of batch) {
      this.#arrived.delete(block.hash);
      this.#arrivedBytes -= block.size;
    }
    return batch;
  }

  #judge(outcome: BlockOutcome, { block, from }: Arrived): void {
    if (outcome.kind !== "invalid") {
      from.lastBlock = Math.floor(this.#deps.clock.nowMs() / 1000);
      return;
    }
    const { code, bodyMutated } = outcome.why;
    // A block on top of a bad one is not its sender's fault alone: who sent the bad one is told.
    if (code === "bad-prevblk" || code === "duplicate-invalid") return;
    this.#deps.judge.misbehaved(from.link, bodyMutated ? "mutated-block" : "invalid-block", { block: block.hash, why: code });
  }
}

/** The first of `missing` that a link has, and the next ones that it has; they are taken out. */
function takeFor(
  state: LinkState,
  missing: BlockEntry[],
  share: number,
  underWay: ReadonlyMap<BlockHash, UnderWay>,
): readonly BlockEntry[] {
  const mine: BlockEntry[] = [];
  for (let at = 0; at < missing.length && mine.length < share; ) {
    const entry = missing[at]!;
    if (!state.has(entry) || state.lacks.has(entry.hash) || underWay.get(entry.hash)?.asked.has(state)) at++;
    else mine.push(...missing.splice(at, 1));
  }
  return mine;
}
