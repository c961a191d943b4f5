import { MULTISIG_KEYS_MAX } from "./limits.ts";
import { isSmallNumber, Op, smallNumber } from "./opcodes.ts";
import { isKeySized } from "./public-key.ts";
import { findWitnessProgram, isAnchorProgram, isPayToKeyHash, isPayToScriptHash } from "./script-forms.ts";
import { decodeNumber } from "./script-number.ts";
import { isMinimalPush, isPushOnly, ScriptReader } from "./script-reader.ts";

/** Bitcoin Core's names of output types, as its RPCs print them. */
export type OutputType =
  | "nonstandard"
  | "pubkey"
  | "pubkeyhash"
  | "scripthash"
  | "multisig"
  | "nulldata"
  | "anchor"
  | "witness_v0_keyhash"
  | "witness_v0_scripthash"
  | "witness_v1_taproot"
  | "witness_unknown";

/** What an output script is, with the parts that matter; they are views. */
export type ScriptTemplate =
  | { readonly type: "nonstandard" | "nulldata" | "anchor" }
  | { readonly type: "pubkey"; readonly key: Uint8Array }
  | { readonly type: "pubkeyhash" | "scripthash"; readonly hash: Uint8Array }
  | { readonly type: "multisig"; readonly required: number; readonly keys: readonly Uint8Array[] }
  | {
      readonly type: "witness_v0_keyhash" | "witness_v0_scripthash" | "witness_v1_taproot" | "witness_unknown";
      readonly version: number;
      readonly program: Uint8Array;
    };

const NONSTANDARD: ScriptTemplate = { type: "nonstandard" };

/** Recognises the standard forms of output scripts (Bitcoin Core's Solver). */
export function classifyScript(script: Uint8Array): ScriptTemplate {
  if (isPayToScriptHash(script)) return { type: "scripthash", hash: script.subarray(2, 22) };
  const witness = findWitnessProgram(script);
  if (witness !== undefined) return classifyProgram(witness.version, witness.program);
  if (script[0] === Op.OP_RETURN && isPushOnly(script, 1)) return { type: "nulldata" };
  const key = script.subarray(1, -1);
  if (script.length >= 35 && script[0] === key.length && script.at(-1) === Op.OP_CHECKSIG && isKeySized(key))
    return { type: "pubkey", key };
  if (isPayToKeyHash(script)) return { type: "pubkeyhash", hash: script.subarray(3, 23) };
  return findMultisig(script) ?? NONSTANDARD;
}

function classifyProgram(version: number, program: Uint8Array): ScriptTemplate {
  if (version === 0) {
    if (program.length === 20) return { type: "witness_v0_keyhash", version, program };
    return program.length === 32 ? { type: "witness_v0_scripthash", version, program } : NONSTANDARD;
  }
  if (version === 1 && program.length === 32) return { type: "witness_v1_taproot", version, program };
  return isAnchorProgram({ version, program }) ? { type: "anchor" } : { type: "witness_unknown", version, program };
}

/** m <key>... n OP_CHECKMULTISIG with 1 <= m <= n <= 20. */
function findMultisig(script: Uint8Array): ScriptTemplate | undefined {
  if (script.at(-1) !== Op.OP_CHECKMULTISIG) return undefined;
  const reader = new ScriptReader(script);
  const required = reader.next() ? countAt(reader, 1) : undefined;
  if (required === undefined) return undefined;
  const keys: Uint8Array[] = [];
  while (reader.next() && isKeySized(reader.data())) keys.push(reader.data());
  const count = countAt(reader, required);
  return count === keys.length && reader.position === script.length - 1 ? { type: "multisig", required, keys } : undefined;
}

/** The number that the current operation pushes in its shortest form, from `least` to 20. */
function countAt(reader: ScriptReader, least: number): number | undefined {
  const { opcode } = reader;
  if (isSmallNumber(opcode)) return inRange(smallNumber(opcode), least);
  if (opcode === Op.OP_0 || opcode > Op.OP_PUSHDATA4) return undefined;
  const data = reader.data();
  if (!isMinimalPush(opcode, data.length, data[0]!)) return undefined;
  return inRange(decodeNumber(data, true), least);
}

function inRange(value: number, least: number): number | undefined {
  return value >= least && value <= MULTISIG_KEYS_MAX ? value : undefined;
}
