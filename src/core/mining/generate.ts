import { ChainCoreError } from "../errors.ts";
import type { Entropy } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import { headerAt } from "./job.ts";
import { createScanner, type NonceScanner } from "./kernel.ts";
import { kernelModule } from "./kernel-module.ts";
import type { Candidate } from "./template.ts";

/** Bitcoin Core's default for `generatetoaddress`: nonces to try before giving up. */
export const MAX_TRIES = 1_000_000;
/** Up to here node:crypto is done before a kernel would have been generated. */
const TRIES_BY_CRYPTO = 4_096;

let trivial: NonceScanner | undefined;
let serious: NonceScanner | undefined;

/**
 * Solves a candidate on the calling thread, for `generatetoaddress` on networks with a trivial target: two hashes on regtest. The
 * extranonce is random, so that generating again after invalidateblock gives another block. Blocks its thread for at most about
 * 0.2 s with the default number of tries.
 * @throws ChainCoreError "max-tries" when no nonce was good enough
 */
export function mineOne(candidate: Candidate, entropy: Entropy, maxTries = MAX_TRIES): Block {
  const extranonce = new DataView(entropy.bytes(4).slice().buffer).getUint32(0);
  const header = headerAt({ prefix: 0, ...candidate.job() }, extranonce);
  const nonce = findNonce(header, candidate.target, Math.min(maxTries, 2 ** 32));
  if (nonce === undefined) {
    const message = `No block among ${maxTries} nonces: the target is too hard for this; use the miner.`;
    throw new ChainCoreError("max-tries", message, { detail: { maxTries } });
  }
  return candidate.block({ prefix: 0, extranonce, nonce });
}

function findNonce(header: Uint8Array, target: bigint, tries: number): number | undefined {
  trivial ??= createScanner(undefined);
  trivial.setHeader(header);
  const easy = Math.min(tries, TRIES_BY_CRYPTO);
  const found = trivial.find(0, easy, target);
  if (found !== undefined || tries === easy) return found;
  serious ??= createScanner(kernelModule());
  serious.setHeader(header);
  return serious.find(easy, tries - easy, target);
}
