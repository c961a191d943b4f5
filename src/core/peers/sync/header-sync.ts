import type { BlockEntry } from "../../chain/block-entry.ts";
import { checkProofOfWork } from "../../consensus/check-header.ts";
import type { NetworkParams } from "../../consensus/params.ts";
import type { Header } from "../../primitives/header.ts";
import { workOfBits } from "../../primitives/target.ts";
import type { BlockHash } from "../../primitives/units.ts";
import { decodeHeaders, encodeLocator } from "../headers-message.ts";
import type { Judge } from "../link.ts";
import { HEADERS_MAX } from "../messages.ts";
import type { PeerChain } from "../ports.ts";
import { ask } from "./ask.ts";
import type { LinkState } from "./link-state.ts";
import { locatorOf } from "./locator.ts";

/** A branch that is this much work behind our tip is not kept: headers that lead nowhere would fill memory (Bitcoin Core, 144). */
export const BEHIND_BLOCKS_MAX = 144;
/** Headers of a branch that has not yet shown enough work; 8 MB, for one link at a time. */
export const UNPROVEN_HEADERS_MAX = 100_000;
/** A link's headers may run so far ahead of our tip: work on a development network proves nothing, bodies at least cost their sender. */
export const HEADERS_AHEAD_MAX = 20_000;

const ANSWER_MS = 20_000;

interface HeaderSyncDeps {
  readonly chain: PeerChain;
  readonly params: NetworkParams;
  readonly judge: Judge;
  /** Sees to work that nobody awaits. */
  readonly run: (work: Promise<void>) => void;
  /** A link has shown new headers. */
  readonly learned: () => void;
}

/**
 * Finds out which blocks another node has. Headers are asked for behind a locator, held against their proof of work, kept aside
 * until their branch has shown about as much work as ours, and then placed in the tree; bodies come later, and only for a branch
 * that is better than ours.
 */
export class HeaderSync {
  readonly #deps: HeaderSyncDeps;
  /** The one link whose unproven headers may be many. */
  #unproven: LinkState | undefined;

  constructor(deps: HeaderSyncDeps) {
    this.#deps = deps;
  }

  /** Asks until the other side has nothing new, or has to wait for bodies. Asked again meanwhile, it begins again afterwards. */
  async follow(state: LinkState): Promise<void> {
    if (state.isAskingHeaders) {
      state.asksHeadersAgain = true;
      return;
    }
    state.isAskingHeaders = true;
    try {
      do {
        state.asksHeadersAgain = false;
        await this.#followOnce(state);
      } while (state.asksHeadersAgain && !state.isClosed);
    } finally {
      state.isAskingHeaders = false;
      if (this.#unproven === state) this.#unproven = undefined;
    }
  }

  /** Goes on with a link whose headers had run too far ahead. */
  resume(state: LinkState): void {
    if (state.waitsForBodies && this.#hasRoom(state)) this.#deps.run(this.follow(state));
  }

  #hasRoom({ bestKnown }: LinkState): boolean {
    return (bestKnown?.height ?? 0) - this.#deps.chain.tip.height < HEADERS_AHEAD_MAX;
  }

  async #followOnce(state: LinkState): Promise<void> {
    const { chain, judge } = this.#deps;
    let locator = locatorOf(chain.bestHeader);
    let unproven: readonly Header[] = [];
    while (!state.isClosed) {
      state.waitsForBodies = !this.#hasRoom(state);
      if (state.waitsForBodies) return;
      const headers = await ask(state, judge, {
        kind: "get-headers",
        body: encodeLocator(locator),
        read: decodeHeaders,
        timeoutMs: ANSWER_MS,
      });
      if (headers === undefined) return;
      if (headers.length === 0) {
        this.#checkClaim(state);
        return;
      }
      const branch = this.#check(state, unproven, headers);
      if (branch === undefined) return;
      if (branch.isProven) {
        const last = await this.#accept(state, branch.headers);
        if (last === undefined) return;
        unproven = [];
        locator = locatorOf(last);
      } else {
        if (!this.#mayCollect(state, branch.headers)) return;
        unproven = branch.headers;
        locator = [unproven.at(-1)!.hash];
      }
      if (headers.length < HEADERS_MAX) {
        if (branch.isProven) this.#checkClaim(state);
        return;
      }
    }
  }

  /** It has shown all that it has: more work than that was a lie. One whose tip moves meanwhile shows more, not less. */
  #checkClaim(state: LinkState): void {
    const { chain, judge, learned } = this.#deps;
    const { claimed } = state;
    const entry = chain.find(claimed.hash);
    if (entry !== undefined) {
      if (!entry.isInvalid) state.learn(entry); // Another link has shown it meanwhile.
      learned();
      return;
    }
    const shown = state.bestKnown?.chainwork ?? 0n;
    if (claimed.chainwork > shown && claimed.chainwork > chain.tip.chainwork) judge.disappointed(state.link, "lying-tip");
  }

  /** All that the branch has shown so far, if it holds together; the judge has been told if not. */
  #check(state: LinkState, before: readonly Header[], headers: readonly Header[]) {
    const { chain, judge, params } = this.#deps;
    const all = before.length === 0 ? headers : before.concat(headers);
    const base = chain.find(all[0]!.prevHash);
    if (base === undefined || !isLinked(before.at(-1)?.hash ?? headers[0]!.prevHash, headers)) {
      judge.misbehaved(state.link, "unconnected-headers", { first: headers[0]!.hash });
      return undefined;
    }
    for (const header of headers) {
      const why = checkProofOfWork(header, params);
      if (why === undefined) continue;
      judge.misbehaved(state.link, "invalid-header", { header: header.hash, why: why.code });
      return undefined;
    }
    return { headers: all, isProven: isEnoughWork(chain, base, all) };
  }

  /** Whether more headers of a branch that has not shown its work yet may be kept for this link. */
  #mayCollect(state: LinkState, unproven: readonly Header[]): boolean {
    this.#unproven ??= state;
    if (this.#unproven !== state) return false;
    if (unproven.length <= UNPROVEN_HEADERS_MAX) return true;
    this.#deps.judge.misbehaved(state.link, "low-work-headers", { headers: unproven.length });
    return false;
  }

  /** Places them in the tree, and gives the last one's entry. */
  async #accept(state: LinkState, headers: readonly Header[]): Promise<BlockEntry | undefined> {
    const { chain, judge, learned } = this.#deps;
    let last: BlockEntry | undefined;
    for (let from = 0; from < headers.length; from += HEADERS_MAX) {
      const outcomes = await chain.acceptHeaders(headers.slice(from, from + HEADERS_MAX));
      for (const outcome of outcomes) {
        if (outcome.kind === "accepted" || outcome.kind === "known") {
          last = outcome.entry;
          continue;
        }
        if (last !== undefined) state.learn(last);
        learned();
        // A clock that runs ahead, ours or theirs, is no offence.
        if (outcome.kind === "invalid" && outcome.why.code !== "time-too-new")
          judge.misbehaved(state.link, "invalid-header", { why: outcome.why.code });
        return undefined;
      }
      if (last !== undefined) state.learn(last);
      learned();
    }
    return last;
  }
}

/** Whether a branch is not much worse than our chain. @param headers those above `base` */
export function isEnoughWork(chain: PeerChain, base: BlockEntry, headers: readonly Header[]): boolean {
  const tip = chain.find(chain.tip.hash)!;
  const enough = tip.chainwork - workOfBits(tip.bits) * BigInt(BEHIND_BLOCKS_MAX);
  if (base.chainwork >= enough) return true;
  return headers.reduce((work, { bits }) => work + workOfBits(bits), base.chainwork as bigint) >= enough;
}

function isLinked(before: BlockHash, headers: readonly Header[]): boolean {
  let prev = before;
  return headers.every((header) => {
    const fits = header.prevHash === prev;
    prev = header.hash;
    return fits;
  });
}
