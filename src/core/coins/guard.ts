import type { Holds } from "../locks/context.ts";

/** Proof that nobody walks the table and nobody else writes it: what every change of it asks for first. */
export type CoinsWrite = Holds<"UTXO_SET", "write">;
