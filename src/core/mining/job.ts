import { sha256d } from "../encoding/hash.ts";
import { merkleRootFromBranch } from "../encoding/merkle.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { ChainCoreError } from "../errors.ts";
import { HEADER_LENGTH } from "../primitives/header.ts";
import { JOB_SLOT_BYTES, type WorkSpace } from "./work-space.ts";

/**
 * What workers need of a template: a header without its merkle root, and the means to make one for any extranonce. A job never changes
 * once it is published: a new time, target or transaction is a new job.
 */
export interface Job {
  /** 80 bytes; merkle root and nonce are overwritten. */
  readonly header: Uint8Array;
  /** A hash at or below it is a hit: the network's target, or a lower one that paces the miner. */
  readonly target: bigint;
  /** The coinbase without witness, in parts around the eight bytes of extranonce. */
  readonly coinbaseBefore: Uint8Array;
  readonly coinbaseAfter: Uint8Array;
  /** Siblings of the coinbase on the way to the merkle root. */
  readonly branch: readonly Uint8Array[];
  /** Four bytes before the extranonce proper: miners in other processes have one each. */
  readonly prefix: number;
  /** Its extranonces are this one and those after it. */
  readonly firstExtranonce: number;
  /** Ranges are given out up to this unit. */
  readonly units: number;
}

/** The part of a job that its headers are made of. */
export type HeaderSource = Pick<Job, "header" | "coinbaseBefore" | "coinbaseAfter" | "branch" | "prefix">;

/** Prefix and extranonce, four bytes each, little-endian. */
export const EXTRANONCE_BYTES = 8;
const ROOT_OFFSET = 36;

export function extranonceBytes(prefix: number, extranonce: number): Uint8Array {
  return new Writer(EXTRANONCE_BYTES).u32(prefix).u32(extranonce).finish();
}

/** The 80 bytes whose nonce is searched for, at one extranonce (which counts from 0 and wraps at 2^32 beyond the job's first). */
export function headerAt(job: HeaderSource, extranonce: number): Uint8Array {
  const coinbase = Buffer.concat([job.coinbaseBefore, extranonceBytes(job.prefix, extranonce), job.coinbaseAfter]);
  const header = new Uint8Array(job.header);
  header.set(merkleRootFromBranch(sha256d(coinbase), job.branch, 0), ROOT_OFFSET);
  return header;
}

/** Writes `job` under its number where workers find it. The slot's last user must be JOB_SLOTS jobs ago.
 * @throws ChainCoreError "coinbase-too-long" */
export function writeJob(space: WorkSpace, number: number, job: Job): void {
  const { i32At, bytes } = space.jobSlot(number);
  const writer = new Writer(1024).bytes(job.header);
  for (let word = 0n; word < 8n; word++) writer.u32(Number((job.target >> (32n * word)) & 0xffffffffn));
  writer.u32(job.prefix).u32(job.firstExtranonce).u32(job.units);
  writer.varBytes(job.coinbaseBefore).varBytes(job.coinbaseAfter).compactSize(job.branch.length);
  for (const sibling of job.branch) writer.bytes(sibling);
  const encoded = writer.finish();
  if (encoded.length > JOB_SLOT_BYTES - 4) {
    const detail = { bytes: encoded.length, bytesMax: JOB_SLOT_BYTES - 4 };
    throw new ChainCoreError("coinbase-too-long", "The coinbase is too long to be mined: shorten its tag or its outputs.", {
      detail,
    });
  }
  space.atomics.store(space.i32, i32At, 0); // Whoever reads now sees that it is not the job wanted.
  bytes.set(encoded, 4);
  space.atomics.store(space.i32, i32At, number);
}

/** The job of that number; undefined if its slot was taken over by a later one, also while it was being read. */
export function readJob(space: WorkSpace, number: number): Job | undefined {
  const { i32At, bytes } = space.jobSlot(number);
  if (space.atomics.load(space.i32, i32At) !== number) return undefined;
  const copy = new Uint8Array(bytes.subarray(4));
  if (space.atomics.load(space.i32, i32At) !== number) return undefined;
  const reader = new Reader(copy);
  const header = reader.bytes(HEADER_LENGTH);
  let target = 0n;
  for (let word = 0n; word < 8n; word++) target |= BigInt(reader.u32()) << (32n * word);
  const [prefix, firstExtranonce, units] = [reader.u32(), reader.u32(), reader.u32()];
  const [coinbaseBefore, coinbaseAfter] = [reader.varBytes(), reader.varBytes()];
  const branch = Array.from({ length: reader.compactSize() }, () => reader.bytes(32));
  return { header, target, coinbaseBefore, coinbaseAfter, branch, prefix, firstExtranonce, units };
}

/** Where a range of units lies in extranonces and nonces; it never reaches over an extranonce's end. */
export function nonceRange(space: WorkSpace, job: Job, range: { readonly unit: number; readonly units: number }) {
  const perExtranonce = space.unitsPerExtranonce;
  const extranonce = (job.firstExtranonce + Math.floor(range.unit / perExtranonce)) >>> 0;
  const startNonce = (range.unit % perExtranonce) * space.unitNonces;
  return { extranonce, startNonce, endNonce: startNonce + range.units * space.unitNonces };
}
