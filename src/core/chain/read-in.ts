import { DecodeError } from "../encoding/reader.ts";
import { unreachable } from "../errors.ts";
import { Block } from "../primitives/block.ts";
import type { BlockHash } from "../primitives/units.ts";
import type { BlockOutcome } from "./outcome.ts";

/** A body and where its source can find it again. */
export interface SourceBody<Place> {
  readonly place: Place;
  readonly raw: Uint8Array;
}

/** Block files, or a file that a user brings. */
export interface BodySource<Place> {
  runs(): AsyncIterable<readonly SourceBody<Place>[]>;
  read(place: Place): Promise<Uint8Array>;
}

export interface DecodedBody<Place> extends SourceBody<Place> {
  readonly block: Block;
}

export interface ReadInReport {
  /** Bodies met. */
  read: number;
  /** Blocks that are new to the chain, on whichever branch. */
  added: number;
  known: number;
  invalid: number;
  /** Bodies that are no blocks. */
  undecodable: number;
  /** Blocks whose parents were nowhere. */
  orphans: number;
}

export interface ReadInOptions {
  readonly onProgress?: (report: Readonly<ReadInReport>) => void;
  /** Stops between two commits; what is committed stays. */
  readonly signal?: AbortSignal;
}

/** One commit takes in so many blocks or bytes at most: far fewer syncs, and still a lock held for well under a second. */
const COMMIT_BLOCKS_MAX = 256;
const COMMIT_BYTES_MAX = 4_000_000;

/**
 * Takes in every block of a source, many to a commit. Blocks may stand before their parents, as they do in Bitcoin Core's files:
 * those wait, by place only, and are read again when the parent has come.
 * @throws the signal's reason; whatever `accept` or the source throws
 */
export async function readIn<Place>(
  source: BodySource<Place>,
  accept: (bodies: readonly DecodedBody<Place>[]) => Promise<readonly BlockOutcome[]>,
  options: ReadInOptions = {},
): Promise<Readonly<ReadInReport>> {
  const reader = new ReadIn(source, accept, options);
  for await (const run of source.runs()) await reader.take(run);
  return reader.finish();
}

class ReadIn<Place> {
  readonly #source: BodySource<Place>;
  readonly #accept: (bodies: readonly DecodedBody<Place>[]) => Promise<readonly BlockOutcome[]>;
  readonly #options: ReadInOptions;
  readonly #report: ReadInReport = { read: 0, added: 0, known: 0, invalid: 0, undecodable: 0, orphans: 0 };
  /** By the hash of the parent that is missing. */
  readonly #waiting = new Map<BlockHash, Place[]>();
  #next: DecodedBody<Place>[] = [];
  #nextBytes = 0;

  constructor(
    source: BodySource<Place>,
    accept: (bodies: readonly DecodedBody<Place>[]) => Promise<readonly BlockOutcome[]>,
    options: ReadInOptions,
  ) {
    this.#source = source;
    this.#accept = accept;
    this.#options = options;
  }

  async take(run: readonly SourceBody<Place>[]): Promise<void> {
    for (const body of run) {
      this.#report.read++;
      await this.#add(body);
    }
  }

  async finish(): Promise<ReadInReport> {
    while (this.#next.length > 0) await this.#commit();
    for (const places of this.#waiting.values()) this.#report.orphans += places.length;
    this.#options.onProgress?.(this.#report);
    return this.#report;
  }

  async #add(body: SourceBody<Place>): Promise<void> {
    const block = decode(body.raw);
    if (block === undefined) {
      this.#report.undecodable++;
      return;
    }
    this.#next.push({ ...body, block });
    this.#nextBytes += body.raw.length;
    if (this.#next.length >= COMMIT_BLOCKS_MAX || this.#nextBytes >= COMMIT_BYTES_MAX) await this.#commit();
  }

  async #commit(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const bodies = this.#next;
    this.#next = [];
    this.#nextBytes = 0;
    const outcomes = await this.#accept(bodies);
    const children: Place[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const { block, place } = bodies[index]!;
      this.#count(outcome, block, place);
      if (outcome.kind !== "orphan") children.push(...this.#released(block.hash));
    }
    this.#options.onProgress?.(this.#report);
    for (const place of children) await this.#add({ place, raw: await this.#source.read(place) });
  }

  #released(parent: BlockHash): readonly Place[] {
    const places = this.#waiting.get(parent) ?? [];
    this.#waiting.delete(parent);
    return places;
  }

  #count(outcome: BlockOutcome, block: Block, place: Place): void {
    switch (outcome.kind) {
      case "connected":
      case "side-branch":
        this.#report.added++;
        return;
      case "known":
        this.#report.known++;
        return;
      case "invalid":
        this.#report.invalid++;
        return;
      case "orphan": {
        const parent = block.header.prevHash;
        this.#waiting.set(parent, [...(this.#waiting.get(parent) ?? []), place]);
        return;
      }
      default:
        unreachable(outcome);
    }
  }
}

function decode(raw: Uint8Array): Block | undefined {
  try {
    return Block.decode(raw);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
