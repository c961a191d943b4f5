import type { Chain } from "../chain/chain.ts";
import type { LockManager } from "../locks/manager.ts";
import type { PeerChain } from "../peers/ports.ts";

/** A Chain as peers see it. */
export function peerChain(chain: Chain, locks: LockManager): PeerChain {
  return {
    get tip() {
      return chain.tip;
    },
    get bestHeader() {
      return chain.bestHeader;
    },
    get genesis() {
      return chain.genesis;
    },
    find: (hash) => chain.find(hash),
    atHeight: (height) => chain.atHeight(height),
    readBody: async (hash) => (await chain.readBlock(hash))?.raw,
    acceptHeaders: (headers) => locks.task("take headers", (at) => chain.acceptHeaders(at, headers)),
    acceptBlocks: (blocks) => locks.task("take blocks", (at) => chain.acceptBlocks(at, blocks, { keepOrphan: true })),
  };
}
