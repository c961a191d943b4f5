import type { BlockEntry } from "../../chain/block-entry.ts";
import { DecodeError } from "../../encoding/reader.ts";
import type { Clock } from "../../ports.ts";
import type { Block } from "../../primitives/block.ts";
import type { Header } from "../../primitives/header.ts";
import { type Announcement, BLOCK_TRANSACTIONS_MAX, type CompactBlock } from "../announcement.ts";
import { decodeBodies, encodePlaces } from "../bodies-message.ts";
import type { Judge } from "../link.ts";
import type { PeerChain, PeerPool } from "../ports.ts";
import { ask } from "./ask.ts";
import type { BlockDownload } from "./block-download.ts";
import { Reconstruction } from "./compact-block.ts";
import { type HeaderSync, isEnoughWork } from "./header-sync.ts";
import type { LinkState } from "./link-state.ts";

interface Deps {
  readonly chain: PeerChain;
  readonly pool: PeerPool;
  readonly judge: Judge;
  readonly headers: HeaderSync;
  readonly download: BlockDownload;
  readonly clock: Clock;
}

const ANSWER_MS = 10_000;

/** What becomes of blocks that a link announces: placed if they connect, put together from the pool, else asked for. */
export class BlockNews {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async hear(state: LinkState, { compact, headers }: Announcement): Promise<void> {
    const announced = compact === undefined ? headers : [compact.header];
    if (announced === undefined || announced.length === 0) return;
    const entry = await this.#place(state, announced);
    if (entry === undefined) return;
    state.learn(entry);
    if (compact !== undefined && this.#isWorthBuilding(entry)) await this.#build(state, entry, compact);
    this.#deps.download.schedule();
  }

  /** The last header's entry, if it could be placed. */
  async #place(state: LinkState, announced: readonly Header[]): Promise<BlockEntry | undefined> {
    const { chain, headers, judge } = this.#deps;
    const known = chain.find(announced.at(-1)!.hash);
    if (known !== undefined) return known.isInvalid ? undefined : known;
    const base = chain.find(announced[0]!.prevHash);
    if (base === undefined) {
      await headers.follow(state);
      return undefined;
    }
    if (!isEnoughWork(chain, base, announced)) return undefined;
    const outcome = (await chain.acceptHeaders(announced)).at(-1)!;
    switch (outcome.kind) {
      case "accepted":
      case "known":
        return outcome.entry;
      case "orphan":
        judge.misbehaved(state.link, "unconnected-headers", { missing: outcome.missing });
        return undefined;
      case "invalid":
        if (outcome.why.code !== "time-too-new") judge.misbehaved(state.link, "invalid-header", { why: outcome.why.code });
        return undefined;
    }
  }

  /** It comes next on our chain, and nobody brings it already. */
  #isWorthBuilding(entry: BlockEntry): boolean {
    const { chain, download } = this.#deps;
    return (
      !entry.hasBody && !download.has(entry.hash) && entry.prev?.isComplete === true && entry.chainwork > chain.tip.chainwork
    );
  }

  async #build(state: LinkState, entry: BlockEntry, compact: CompactBlock): Promise<void> {
    const { chain, pool, judge, download } = this.#deps;
    const release = download.reserve(entry.hash, state);
    try {
      const block = await this.#reconstruct(state, compact, pool);
      if (block === undefined) return;
      const [outcome] = await chain.acceptBlocks([block]);
      if (outcome?.kind === "connected") state.lastBlock = Math.floor(this.#deps.clock.nowMs() / 1000);
      // A body that is not the block's may be ours: two transactions with one short id. It is fetched whole then.
      if (outcome?.kind === "invalid" && !outcome.why.bodyMutated) {
        judge.misbehaved(state.link, "invalid-block", { block: entry.hash, why: outcome.why.code });
      }
    } finally {
      release();
    }
  }

  async #reconstruct(state: LinkState, compact: CompactBlock, pool: PeerPool): Promise<Block | undefined> {
    try {
      const draft = Reconstruction.start(compact, pool.entries());
      if (draft === undefined) return undefined;
      const places = draft.missing;
      if (places.length === 0) return draft.finish([]);
      const bodies = await ask(state, this.#deps.judge, {
        kind: "get-block-transactions",
        body: encodePlaces({ block: compact.header.hash, places }),
        read: (answer) => decodeBodies(answer, BLOCK_TRANSACTIONS_MAX),
        timeoutMs: ANSWER_MS,
      });
      return bodies?.length === places.length ? draft.finish(bodies) : undefined;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#deps.judge.misbehaved(state.link, "garbled-message", { kind: "announce", error: error.message });
      return undefined;
    }
  }
}
