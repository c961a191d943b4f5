import { type HeaderAncestry, MEDIAN_TIME_SPAN, medianTime } from "../consensus/header-ancestry.ts";
import type { Header } from "../primitives/header.ts";
import { workOfBits } from "../primitives/target.ts";
import type { BlockHash, Height, UnixSeconds, Work } from "../primitives/units.ts";
import type { Fingerprint } from "../store/set-sum.ts";
import type { BlockPosition, BlockRecord, BlockStatus } from "../store/tables.ts";

/**
 * A block that the tree knows, as everybody outside chain/ sees it. Its fields change under BLOCKCHAIN; each read is of one
 * moment.
 */
export interface BlockEntry extends HeaderAncestry {
  readonly header: Header;
  /** Undefined for genesis. */
  readonly prev: BlockEntry | undefined;
  /** Of this block and all before it. */
  readonly chainwork: Work;
  /** header: only that is known; stored: the body is on disk; valid: it has been connected at least once. */
  readonly status: BlockStatus;
  /** It, or a block before it, broke a rule or was invalidated by hand. */
  readonly isInvalid: boolean;
  /** It and all blocks before it are stored. */
  readonly isComplete: boolean;
  /** Transactions in its body; 0 while that is not known. */
  readonly transactionCount: number;
  /** Its body can be read. */
  readonly hasBody: boolean;
  /** Bytes of its body; undefined while that is not stored. */
  readonly size: number | undefined;
  /** Transactions from genesis up to this block; 0 while the blocks before it are not complete. */
  readonly chainTransactionCount: number;
  ancestor(height: number): BlockEntry | undefined;
}

/** The tree's own, writable view of an entry. Written under BLOCKCHAIN. */
export class BlockNode implements BlockEntry {
  readonly header: Header;
  readonly hash: BlockHash;
  readonly height: Height;
  readonly prev: BlockNode | undefined;
  readonly chainwork: Work;
  status: BlockStatus = "header";
  isInvalid = false;
  /** Rank among complete blocks by the time at which they became so; 0 = not complete. First seen wins a tie. */
  sequence = 0;
  /** Above 0: preferred by hand to others with as much work, the more the later that was. Not on disk. */
  preference = 0;
  transactionCount = 0;
  chainTransactionCount = 0;
  childCount = 0;
  position: BlockPosition | undefined;
  /** Of the record on disk; undefined before there is one. */
  saved: Fingerprint | undefined;
  /** An ancestor far below, so that `ancestor` takes O(log height) steps. */
  readonly #skip: BlockNode | undefined;
  #medianTimePast: number | undefined;

  constructor(header: Header, prev: BlockNode | undefined) {
    this.header = header;
    this.hash = header.hash;
    this.prev = prev;
    this.height = (prev === undefined ? 0 : prev.height + 1) as Height;
    this.chainwork = ((prev?.chainwork ?? 0n) + workOfBits(header.bits)) as Work;
    this.#skip = prev?.ancestor(skipHeight(this.height));
    if (prev !== undefined) prev.childCount++;
  }

  get time(): UnixSeconds {
    return this.header.time;
  }

  get bits(): number {
    return this.header.bits;
  }

  get isComplete(): boolean {
    return this.sequence > 0;
  }

  /** Genesis stands in the network's parameters. */
  get hasBody(): boolean {
    return this.position !== undefined || this.prev === undefined;
  }

  get size(): number | undefined {
    return this.position?.size;
  }

  get medianTimePast(): number {
    this.#medianTimePast ??= medianTime(this.#recentTimes());
    return this.#medianTimePast;
  }

  #recentTimes(): readonly number[] {
    const times: number[] = [];
    for (let at: BlockNode | undefined = this; at !== undefined && times.length < MEDIAN_TIME_SPAN; at = at.prev)
      times.push(at.time);
    return times;
  }

  ancestor(height: number): BlockNode | undefined {
    if (height > this.height || height < 0) return undefined;
    let at: BlockNode = this;
    while (at.height > height) at = at.#skip !== undefined && at.#skip.height >= height ? at.#skip : at.prev!;
    return at;
  }
}

/**
 * Where the skip pointer of a block at `height` leads: the height with its lowest one bits cleared, alternating between one and
 * two of them (Bitcoin Core's GetSkipHeight), which bounds a walk by a small multiple of log2(height).
 */
function skipHeight(height: number): number {
  if (height < 2) return 0;
  return height % 2 === 1 ? clearLowestBit(clearLowestBit(height - 1)) + 1 : clearLowestBit(height);
}

function clearLowestBit(value: number): number {
  return value & (value - 1);
}

/** Whether `a` is to be preferred: more work, or as much and asked for by hand, or complete earlier. */
export function isBetter(a: BlockNode, b: BlockNode): boolean {
  if (a.chainwork !== b.chainwork) return a.chainwork > b.chainwork;
  return a.preference !== b.preference ? a.preference > b.preference : a.sequence < b.sequence;
}

/** The node as the database keeps it. */
export function recordOf(node: BlockNode): BlockRecord {
  const { height, status, sequence, transactionCount, position } = node;
  const { raw: headerRaw, hashBytes } = node.header;
  return { headerRaw, hashBytes, height, status, invalid: node.isInvalid, sequence, transactionCount, position };
}
