import { checkBlockInContext } from "../../src/core/consensus/block-in-context.ts";
import { checkBlock } from "../../src/core/consensus/check-block.ts";
import { checkHeader } from "../../src/core/consensus/check-header.ts";
import { type HeaderAncestry, MEDIAN_TIME_SPAN, medianTime } from "../../src/core/consensus/header-ancestry.ts";
import { type NetworkParams, REGTEST } from "../../src/core/consensus/params.ts";
import { mineOne } from "../../src/core/mining/generate.ts";
import { buildTemplate, Candidate, type TemplateEntry } from "../../src/core/mining/template.ts";
import { Block } from "../../src/core/primitives/block.ts";
import type { Height, UnixSeconds } from "../../src/core/primitives/units.ts";

interface Link extends HeaderAncestry {
  readonly block: Block;
}

/** A chain in memory that knows the rules of headers and bodies, but no coins; the tip is its last block. */
export class FakeChain {
  readonly params: NetworkParams;
  readonly links: Link[] = [];
  nowSeconds = 1_700_000_000;

  constructor(params: NetworkParams = REGTEST) {
    this.params = params;
    this.#append(Block.decode(params.genesis));
  }

  get tip(): Link {
    return this.links.at(-1)!;
  }

  #append(block: Block): void {
    const height = this.links.length as Height;
    const times = [...this.links.slice(1 - MEDIAN_TIME_SPAN), { time: block.header.time }].map(({ time }) => time);
    const { time, bits } = block.header;
    const ancestor = (wanted: number) => (wanted <= height ? this.links[wanted] : undefined);
    this.links.push({ block, height, hash: block.hash, time, bits, medianTimePast: medianTime(times) as UnixSeconds, ancestor });
  }

  candidate(entries: readonly TemplateEntry[] = [], script = Uint8Array.of(0x51)): Candidate {
    const { params, nowSeconds } = this;
    return new Candidate(buildTemplate({ parent: this.tip, params, entries, nowSeconds }), { script });
  }

  /** Core's reason why the block does not follow the tip, or undefined: then it is the tip. */
  submit(block: Block): string | undefined {
    if (block.header.prevHash !== this.tip.hash) return "inconclusive";
    const { tip, params, nowSeconds } = this;
    const refused =
      checkHeader(block.header, tip, params, nowSeconds) ?? checkBlock(block, params) ?? checkBlockInContext(block, tip, params);
    if (refused) return refused.code;
    this.#append(Block.decode(block.raw));
    return undefined;
  }

  /** Somebody else's block. */
  extend(): void {
    const refused = this.submit(mineOne(this.candidate(), { bytes: (count) => new Uint8Array(count) }));
    if (refused !== undefined) throw new Error(refused);
  }
}
