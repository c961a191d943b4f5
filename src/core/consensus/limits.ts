/** BIP141: a block's weight. */
export const BLOCK_WEIGHT_MAX = 4_000_000;
/** BIP141: signature operations of a block, a legacy one counting four. */
export const BLOCK_SIGOP_COST_MAX = 80_000;
/** Seconds that a block's time may lie ahead of the clock on Bitcoin's networks. */
export const FUTURE_SECONDS_MAX = 7200;
/** BIP94: seconds that the first block of a difficulty period may lie before its parent. */
export const TIMEWARP_SECONDS_MAX = 600;
