import type { HeaderAncestry } from "./header-ancestry.ts";
import type { NetworkParams } from "./params.ts";
import { type Invalid, invalid } from "./verdict.ts";

/** The verdict on a block with a transaction whose outputs are still unspent from an earlier one of the same id. */
export const OVERWRITES_COINS: Invalid = invalid("bad-txns-BIP30", "tried to overwrite transaction");

/** From here on a coinbase of an early mainnet block, whose script happens to start with that height, could be repeated. */
const BIP34_IMPLIES_BIP30_LIMIT = 1_983_702;

/**
 * Whether every output of the block after `parent` must be looked up among the coins as they stood before it (BIP30).
 * Skipped only where BIP34 makes a repetition impossible, which no network but Bitcoin's own claims.
 */
export function mustCheckBip30(hash: string, parent: HeaderAncestry, params: NetworkParams): boolean {
  const height = parent.height + 1;
  if (height >= BIP34_IMPLIES_BIP30_LIMIT) return true;
  if ((params.bip30Exceptions as ReadonlySet<string>).has(hash)) return false;
  const implied = params.bip34Hash !== undefined && parent.ancestor(params.activation.bip34)?.hash === params.bip34Hash;
  return !implied;
}
