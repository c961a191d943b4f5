/**
 * Where everything stands in the table's shared memory, in 32-bit words. Three pieces: a control block of fixed size,
 * the records (one for every version of every coin), and the buckets (two words for each: by outpoint, by script).
 */

/** `died` of a coin that nobody has spent, and the bound of commit numbers. */
export const NEVER = 0x7fff_ffff;
/** No record. Word 0 of the records is never given out. */
export const NONE = 0;
/** The link of the last one in a list. Links: a record's word offset when positive, `~bucket` when negative. */
export const END = 0x7fff_ffff;
/** A bucket's link before the bucket has been split off from its parent. */
export const UNSPLIT = 0;

/** Control words. VERSION is the last published commit: the one word that makes a commit visible. */
export const MAGIC = 0;
export const VERSION = 1;
/** A power of two. */
export const BUCKET_COUNT = 2;
/** Versions that ended at or before it may be gone (leases.ts). */
export const FLOOR = 3;
/** Counts the reclaimer's rounds; a lease carries the one that it began in. */
export const EPOCH = 4;
export const CLOSED = 5;
/** Two words of secret key for the hash: whoever chooses txids or scripts cannot choose collisions. */
export const SEED = 6;
export const LEASE_COUNT = 8;
/** The floor of the last finished round: what ended at or before it is gone for good. FLOOR may stand higher for a moment. */
export const HORIZON = 9;
/** Leases have a cache line each, so that readers do not slow each other. */
export const LEASES = 16;
export const LEASE_WORDS = 16;

/** "COIN" and the layout's version: a reader of other code refuses the table. */
export const MAGIC_VALUE = 0x434f_4901;

/** Words of a record. Plain words are written before a link publishes the record and never after, but for those marked. */
export const LINK = 0; // atomic: the next in order of outpoint hashes
export const ORDER = 1;
export const SCRIPT_LINK = 2; // atomic: the next in order of script hashes
export const SCRIPT_ORDER = 3;
/** The one before in order of script hashes (a link), or RETIRED or FREE. Only the writer reads or writes it. */
export const SCRIPT_BACK = 4;
export const BORN = 5;
export const DIED = 6; // atomic: NEVER -> commit, and back when a commit is aborted
/** Height * 2 + isCoinbase, unsigned. */
export const CODE = 7;
export const VALUE_LOW = 8;
export const VALUE_HIGH = 9;
/** Nine words: the outpoint as it stands in a transaction. */
export const KEY = 10;
/** Kind in the low byte, length of a raw script above (script-words.ts). */
export const SCRIPT = 19;
export const PAYLOAD = 20;

export const KEY_WORDS = 9;
/** SCRIPT_BACK of a record that is out of both lists but may still be under a reader's eyes. */
export const RETIRED = 0x7fff_fffe;
/** SCRIPT_BACK of a place that no record uses. */
export const FREE = 0x7fff_fffd;

/** 10,000 bytes: a longer script cannot be spent, and such outputs never enter the set (Bitcoin Core, MAX_SCRIPT_SIZE). */
export const SCRIPT_BYTES_MAX = 10_000;
