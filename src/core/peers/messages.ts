import type { MessageKind } from "./link.ts";

/** Of the protocol: grows when old nodes could not understand a new one. Both sides speak the lower one. */
export const PROTOCOL_VERSION = 1;
/** The oldest that this node still speaks. */
export const PROTOCOL_VERSION_MIN = 1;

export interface MessageLimits {
  /** Bytes of a request's body. */
  readonly askBytesMax: number;
  /** Bytes of an answer's body. */
  readonly answerBytesMax: number;
}

/** 2,000 headers, as Bitcoin Core sends them. */
export const HEADERS_MAX = 2_000;
/** Doubling steps back from a tip: 101 reach back 2^91 blocks. */
export const LOCATOR_HASHES_MAX = 101;
/** Bodies asked for at once. */
export const BLOCKS_MAX = 64;
/** An answer to get-blocks ends behind the block that passes it. */
export const BLOCKS_BYTES_SOFT = 4_000_000;
/** Consensus: a block weighs at most 4,000,000, hence is no larger. */
export const BLOCK_BYTES_MAX = 4_000_000;
export const TRANSACTIONS_MAX = 2_000;
/** News of transactions at once; what is more follows in the next message. */
export const ANNOUNCED_TRANSACTIONS_MAX = 2_000;
export const ADDRESSES_MAX = 1_000;

const HEADER = 80;
const HASH = 32;
/** Counts, lengths and room for fields of later versions. */
const SLACK = 1_024;

/** What each kind may carry; more is refused before it is read. */
export const MESSAGE_LIMITS: Readonly<Record<MessageKind, MessageLimits>> = {
  ping: { askBytesMax: SLACK, answerBytesMax: SLACK },
  "get-headers": { askBytesMax: LOCATOR_HASHES_MAX * HASH + SLACK, answerBytesMax: HEADERS_MAX * HEADER + SLACK },
  "get-blocks": { askBytesMax: BLOCKS_MAX * HASH + SLACK, answerBytesMax: BLOCKS_BYTES_SOFT + BLOCK_BYTES_MAX + SLACK },
  "get-block-transactions": { askBytesMax: HASH + 300_000 + SLACK, answerBytesMax: BLOCK_BYTES_MAX + SLACK },
  "get-transactions": { askBytesMax: TRANSACTIONS_MAX * HASH + SLACK, answerBytesMax: 2 * BLOCK_BYTES_MAX + SLACK },
  "get-addresses": { askBytesMax: SLACK, answerBytesMax: ADDRESSES_MAX * 300 },
  announce: { askBytesMax: BLOCK_BYTES_MAX + SLACK, answerBytesMax: SLACK },
  "fee-filter": { askBytesMax: SLACK, answerBytesMax: SLACK },
};

export const MESSAGE_KINDS = Object.keys(MESSAGE_LIMITS) as readonly MessageKind[];
