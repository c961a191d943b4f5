import { compactSizeLength } from "../encoding/compact-size.ts";
import { bytesEqual, sha256, taggedHash } from "../encoding/hash.ts";
import { Writer } from "../encoding/writer.ts";
import { checkSchnorr } from "./check-signature.ts";
import { Flag } from "./flags.ts";
import { runScript } from "./interpreter.ts";
import { ELEMENT_BYTES_MAX, STACK_ELEMENTS_MAX, WEIGHT_BUDGET_OFFSET } from "./limits.ts";
import { Machine, type ScriptVersion, type Spend, type TaprootState } from "./machine.ts";
import { isOpSuccess } from "./opcodes.ts";
import type { ScriptError } from "./script-error.ts";
import { isAnchorProgram, payToKeyHash, type WitnessProgram } from "./script-forms.ts";
import { isTrue } from "./script-number.ts";
import { ScriptReader } from "./script-reader.ts";

/** BIP341: the last of two or more witness elements is an annex when it starts so. */
const ANNEX_TAG = 0x50;
/** BIP341: one byte of version and parity, 32 of internal key, up to 128 hashes of 32. */
const CONTROL_BASE = 33;
const CONTROL_NODE = 32;
const CONTROL_NODES_MAX = 128;
const LEAF_VERSION_MASK = 0xfe;
const LEAF_TAPSCRIPT = 0xc0;

/** Checks the witness of a program, native or (`isNested`) within P2SH. */
export function verifyWitnessProgram(
  spend: Spend,
  { version, program }: WitnessProgram,
  witness: readonly Uint8Array[],
  isNested: boolean,
): ScriptError {
  if (version === 0) return verifyVersion0(spend, program, witness);
  if (version === 1 && program.length === 32 && !isNested) {
    return (spend.flags & Flag.TAPROOT) === 0 ? "OK" : verifyTaproot(spend, program, witness);
  }
  if (!isNested && isAnchorProgram({ version, program })) return "OK";
  return (spend.flags & Flag.DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM) === 0 ? "OK" : "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM";
}

/** BIP141 and BIP143. */
function verifyVersion0(spend: Spend, program: Uint8Array, witness: readonly Uint8Array[]): ScriptError {
  if (program.length === 32) {
    const script = witness.at(-1);
    if (script === undefined) return "WITNESS_PROGRAM_WITNESS_EMPTY";
    if (!bytesEqual(sha256(script), program)) return "WITNESS_PROGRAM_MISMATCH";
    return runWitnessScript(spend, script, witness.slice(0, -1), "witness-v0");
  }
  if (program.length !== 20) return "WITNESS_PROGRAM_WRONG_LENGTH";
  if (witness.length !== 2) return "WITNESS_PROGRAM_MISMATCH";
  return runWitnessScript(spend, payToKeyHash(program), witness.slice(), "witness-v0");
}

/** BIP341: a signature for the output key, or a script that the key commits to. */
function verifyTaproot(spend: Spend, outputKey: Uint8Array, witness: readonly Uint8Array[]): ScriptError {
  const stack = witness.slice();
  if (stack.length === 0) return "WITNESS_PROGRAM_WITNESS_EMPTY";
  const hasAnnex = stack.length >= 2 && stack[stack.length - 1]![0] === ANNEX_TAG;
  const annexHash = hasAnnex ? sha256(withLength(stack.pop()!)) : undefined;
  if (stack.length === 1) return checkSchnorr(spend, stack[0]!, outputKey, annexHash, undefined);
  const control = stack.pop()!;
  const script = stack.pop()!;
  const nodes = (control.length - CONTROL_BASE) / CONTROL_NODE;
  if (!Number.isInteger(nodes) || nodes < 0 || nodes > CONTROL_NODES_MAX) return "TAPROOT_WRONG_CONTROL_SIZE";
  const leafVersion = control[0]! & LEAF_VERSION_MASK;
  const leafHash = tapleafHash(leafVersion, script);
  if (!isCommitted(spend, outputKey, control, leafHash)) return "WITNESS_PROGRAM_MISMATCH";
  if (leafVersion === LEAF_TAPSCRIPT) {
    const weightLeft = serializedSize(witness) + WEIGHT_BUDGET_OFFSET;
    return runTapscript(spend, script, stack, { annexHash, leafHash, weightLeft });
  }
  return (spend.flags & Flag.DISCOURAGE_UPGRADABLE_TAPROOT_VERSION) === 0 ? "OK" : "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION";
}

/** BIP341: the hash of a leaf of the script tree. */
export function tapleafHash(leafVersion: number, script: Uint8Array): Uint8Array {
  return taggedHash("TapLeaf", new Writer(script.length + 10).u8(leafVersion).varBytes(script).finish());
}

/** BIP341: the hash of an inner node; the two below it stand in the order of their bytes. */
export function tapbranchHash(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) < 0 ? taggedHash("TapBranch", a, b) : taggedHash("TapBranch", b, a);
}

function isCommitted(spend: Spend, outputKey: Uint8Array, control: Uint8Array, leafHash: Uint8Array): boolean {
  let hash = leafHash;
  for (let at = CONTROL_BASE; at < control.length; at += CONTROL_NODE)
    hash = tapbranchHash(hash, control.subarray(at, at + CONTROL_NODE));
  const internalKey = control.subarray(1, CONTROL_BASE);
  return spend.checker.isTweaked(outputKey, control[0]! & 1, internalKey, taggedHash("TapTweak", internalKey, hash));
}

/** BIP342: an OP_SUCCESS anywhere before the first broken push decides; limits on the stack come after it. */
function runTapscript(spend: Spend, script: Uint8Array, stack: Uint8Array[], taproot: TaprootState): ScriptError {
  const reader = new ScriptReader(script);
  while (reader.position < reader.end) {
    if (!reader.next()) return "BAD_OPCODE";
    if (isOpSuccess(reader.opcode)) return (spend.flags & Flag.DISCOURAGE_OP_SUCCESS) === 0 ? "OK" : "DISCOURAGE_OP_SUCCESS";
  }
  return stack.length > STACK_ELEMENTS_MAX ? "STACK_SIZE" : runWitnessScript(spend, script, stack, "tapscript", taproot);
}

/** Witness scripts must leave exactly one true element, in consensus. */
function runWitnessScript(
  spend: Spend,
  script: Uint8Array,
  stack: Uint8Array[],
  version: ScriptVersion,
  taproot?: TaprootState,
): ScriptError {
  for (const element of stack) if (element.length > ELEMENT_BYTES_MAX) return "PUSH_SIZE";
  const error = runScript(new Machine(spend, script, stack, version, taproot));
  if (error !== "OK") return error;
  if (stack.length !== 1) return "CLEANSTACK";
  return isTrue(stack[0]!) ? "OK" : "EVAL_FALSE";
}

function withLength(bytes: Uint8Array): Uint8Array {
  return new Writer(bytes.length + 10).varBytes(bytes).finish();
}

/** Bytes of a witness in a transaction. */
function serializedSize(witness: readonly Uint8Array[]): number {
  return witness.reduce((size, { length }) => size + compactSizeLength(length) + length, compactSizeLength(witness.length));
}
