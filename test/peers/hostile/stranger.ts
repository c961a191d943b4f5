import { decodeHashes, encodeBodies } from "../../../src/core/peers/bodies-message.ts";
import { decodeLocator, encodeHeaders } from "../../../src/core/peers/headers-message.ts";
import type { MessageKind, PeerTip } from "../../../src/core/peers/link.ts";
import { HEADERS_MAX } from "../../../src/core/peers/messages.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import type { Block } from "../../../src/core/primitives/block.ts";
import type { BlockHash, Height, Work } from "../../../src/core/primitives/units.ts";
import { type MemoryLink, memoryLinks } from "../../fakes/memory-link.ts";
import { open, type SyncNode } from "../sync/sync-node.ts";

type Answer = (question: Uint8Array) => Uint8Array | Promise<Uint8Array>;
export type Answers = Partial<Record<MessageKind, Answer>>;

const NOTHING = new Uint8Array(0);
export const NO_BODIES = encodeBodies([]);
let count = 0;

/** A peer that answers as a test says, however wrong. */
export interface Stranger {
  readonly instance: string;
  /** Its own view of the link: to ask and to announce. */
  readonly link: MemoryLink;
  /** What the node has asked of it, in order. */
  readonly asked: readonly MessageKind[];
  /** Why the link has ended; undefined while it stands. */
  readonly ended: () => string | undefined;
}

/** A tip that nobody has, with any amount of work. */
export function claim(chainwork = 10n ** 30n, hash = "fe".repeat(32)): PeerTip {
  return { hash: hash as BlockHash, height: 1_000_000 as Height, chainwork: chainwork as Work };
}

/** The tip of a chain of regtest blocks from genesis on: each is 2 of work. */
export function tipOf(blocks: readonly Block[]): PeerTip {
  const height = blocks.length as Height;
  return { hash: blocks.at(-1)!.hash, height, chainwork: (2n * BigInt(height + 1)) as Work };
}

/** Links a node with a stranger. What `answers` lacks is answered with nothing. */
export function meet(node: SyncNode, answers: Answers, tip: PeerTip = claim()): Stranger {
  const instance = (++count).toString(16).padStart(32, "0");
  const identity = { instance, nodeId: `stranger${count}`, agent: "test", version: 1, listenUrl: null, tip };
  const usual: Answers = { ping: () => encodeTip(tip), "get-headers": () => encodeHeaders([]), "get-blocks": () => NO_BODIES };
  const links = memoryLinks(
    { identity: node.me(), handler: node.sync.handler },
    { identity, handler: (_link, kind, body) => (answers[kind] ?? usual[kind] ?? (() => NOTHING))(body) },
  );
  let ended: string | undefined;
  void links.left.closed.then((reason) => {
    ended = reason;
  });
  open(node, links.left);
  return { instance, link: links.right, asked: links.left.asked, ended: () => ended };
}

/** Shows the headers of a chain, lowest first, as an honest node does. */
export function headersOf(blocks: readonly Block[]): Answer {
  const placeOf = new Map(blocks.map(({ hash }, place) => [hash, place]));
  return (question) => {
    const at = decodeLocator(question).find((hash) => placeOf.has(hash));
    const from = at === undefined ? 0 : placeOf.get(at)! + 1;
    return encodeHeaders(blocks.slice(from, from + HEADERS_MAX).map(({ header }) => header));
  };
}

/** Sends the bodies of a chain, or what `instead` gives for one. */
export function bodiesOf(blocks: readonly Block[], instead: (block: Block) => Block = (block) => block): Answer {
  const byHash = new Map(blocks.map((block) => [block.hash, block]));
  return (question) =>
    encodeBodies(
      decodeHashes<BlockHash>(question, 1_000).map((hash) => {
        const block = byHash.get(hash);
        return block === undefined ? NOTHING : instead(block).raw;
      }),
    );
}
