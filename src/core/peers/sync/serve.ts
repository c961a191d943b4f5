import { Block } from "../../primitives/block.ts";
import type { BlockHash, Txid } from "../../primitives/units.ts";
import { BLOCK_TRANSACTIONS_MAX } from "../announcement.ts";
import { decodeHashes, decodePlaces, encodeBodies } from "../bodies-message.ts";
import { decodeLocator, encodeHeaders } from "../headers-message.ts";
import { PeerRefusal } from "../link.ts";
import { BLOCKS_BYTES_SOFT, BLOCKS_MAX, HEADERS_MAX, TRANSACTIONS_MAX } from "../messages.ts";
import type { PeerChain, PeerPool } from "../ports.ts";
import { headersAfter } from "./locator.ts";

const NO_BYTES = new Uint8Array(0);

/*
 * Answers to what other nodes ask for. Each reads what is there and changes nothing; none costs more than its answer's bytes.
 * All throw DecodeError for a question that is none.
 */

export function serveHeaders(chain: PeerChain, question: Uint8Array): Uint8Array {
  return encodeHeaders(headersAfter(chain, decodeLocator(question), HEADERS_MAX));
}

/** Ends behind the body that passes the soft limit. */
export async function serveBlocks(chain: PeerChain, question: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const bodies: Uint8Array[] = [];
  let bytes = 0;
  for (const hash of decodeHashes<BlockHash>(question, BLOCKS_MAX)) {
    signal.throwIfAborted();
    const body = (await chain.readBody(hash)) ?? NO_BYTES;
    bodies.push(body);
    bytes += body.length;
    if (bytes > BLOCKS_BYTES_SOFT) break;
  }
  return encodeBodies(bodies);
}

export async function serveBlockTransactions(chain: PeerChain, question: Uint8Array): Promise<Uint8Array> {
  const { block: hash, places } = decodePlaces(question, BLOCK_TRANSACTIONS_MAX);
  const raw = await chain.readBody(hash);
  if (raw === undefined) throw new PeerRefusal("not-found", `block ${hash} is not here`);
  const { transactions } = Block.decode(raw);
  const last = places.at(-1);
  if (last !== undefined && last >= transactions.length)
    throw new PeerRefusal("bad-message", `block ${hash} has no transaction ${last}`);
  return encodeBodies(places.map((place) => transactions[place]!.raw));
}

/** Those that are pooled; the others are left out. */
export function serveTransactions(pool: PeerPool, question: Uint8Array): Uint8Array {
  const bodies: Uint8Array[] = [];
  let bytes = 0;
  for (const txid of decodeHashes<Txid>(question, TRANSACTIONS_MAX)) {
    const raw = pool.find(txid)?.tx.raw;
    if (raw === undefined) continue;
    bytes += raw.length;
    if (bytes > BLOCKS_BYTES_SOFT) break;
    bodies.push(raw);
  }
  return encodeBodies(bodies);
}
