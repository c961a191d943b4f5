/** Proof of UTXO_SET held for writing. Stands for `Holds<"UTXO_SET", "write">` of locks/ until that has landed. */
export type CoinsWrite = object;
