/** The lock hierarchy of a node. A strand takes locks upwards only; design: every cycle would need one step down. */
export const LOCK_ORDER = {
  BLOCKCHAIN: 1,
  UTXO_SET: 2,
  MEMPOOL: 3,
  PEERS: 4,
  SESSION: 5,
  MINING: 6,
  NETWORK: 7,
} as const;

export type LevelName = keyof typeof LOCK_ORDER;
export type Level = (typeof LOCK_ORDER)[LevelName];
export type LevelOf<N extends LevelName> = (typeof LOCK_ORDER)[N];

/** The levels from which level L may still be taken: those under it, and 0 for a strand that holds nothing. */
export type Below = {
  1: 0;
  2: 0 | 1;
  3: 0 | 1 | 2;
  4: 0 | 1 | 2 | 3;
  5: 0 | 1 | 2 | 3 | 4;
  6: 0 | 1 | 2 | 3 | 4 | 5;
  7: 0 | 1 | 2 | 3 | 4 | 5 | 6;
};

/** Many may read at once; a writer is alone. */
export type Mode = "read" | "write";

const NAMES = Object.keys(LOCK_ORDER) as LevelName[];

/** The name of a level's number, as it stands in messages. */
export function levelName(level: number): LevelName | undefined {
  return NAMES[level - 1];
}
