import type { BlockHash } from "../primitives/units.ts";
import { Flag, type ScriptFlags } from "../script/flags.ts";
import type { NetworkParams } from "./params.ts";

/**
 * Which script rules the transactions of a block are held to (GetBlockScriptFlags). P2SH, witness and taproot hold from
 * the first block on but for a few known exceptions: no older block breaks them, and it leaves no door to go back.
 */
export function blockFlags(height: number, hash: BlockHash, params: NetworkParams): ScriptFlags {
  const { activation } = params;
  let flags = params.flagExceptions.get(hash) ?? Flag.P2SH | Flag.WITNESS | Flag.TAPROOT;
  if (height >= activation.bip66) flags |= Flag.DERSIG;
  if (height >= activation.bip65) flags |= Flag.CHECKLOCKTIMEVERIFY;
  if (height >= activation.csv) flags |= Flag.CHECKSEQUENCEVERIFY;
  if (height >= activation.segwit) flags |= Flag.NULLDUMMY;
  return flags;
}
