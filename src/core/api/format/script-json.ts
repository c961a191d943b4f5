import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hash160, sha256 } from "../../encoding/hash.ts";
import { bytesToHex } from "../../encoding/hex.ts";
import { type AddressPrefixes, addressOfScript } from "../../primitives/address.ts";
import { asm } from "../../script/asm.ts";
import { ELEMENT_BYTES_MAX } from "../../script/limits.ts";
import { isOpSuccess, Op } from "../../script/opcodes.ts";
import { isCompressed } from "../../script/public-key.ts";
import { isUnspendable } from "../../script/script-forms.ts";
import { ScriptReader } from "../../script/script-reader.ts";
import { classifyScript, type ScriptTemplate } from "../../script/templates.ts";
import { withChecksum } from "./descriptor.ts";

/** An output script as `scriptPubKey` stands in every answer. */
export function scriptJson(script: Uint8Array, prefixes: AddressPrefixes): Record<string, unknown> {
  const form = classifyScript(script);
  return { asm: asm(script), desc: descriptor(script, form, prefixes), hex: bytesToHex(script), ...tail(script, form, prefixes) };
}

/** A key alone has no address: what its hash would be paid by is another script. */
function tail(script: Uint8Array, form: ScriptTemplate, prefixes: AddressPrefixes): Record<string, unknown> {
  const address = form.type === "pubkey" ? undefined : addressOfScript(script, prefixes);
  return { ...(address === undefined ? {} : { address }), type: form.type };
}

/** The descriptor that Bitcoin Core infers from a script alone. */
function descriptor(script: Uint8Array, form: ScriptTemplate, prefixes: AddressPrefixes): string {
  return withChecksum(keyDescriptor(form, isPlainKey) ?? addressDescriptor(script, prefixes));
}

function keyDescriptor(form: ScriptTemplate, isKey: (key: Uint8Array) => boolean): string | undefined {
  if (form.type === "pubkey" && isKey(form.key)) return `pk(${bytesToHex(form.key)})`;
  if (form.type === "multisig" && form.keys.every(isKey)) {
    return `multi(${[form.required, ...form.keys.map(bytesToHex)].join(",")})`;
  }
  if (form.type === "witness_v1_taproot" && isOnCurve(form.program)) return `rawtr(${bytesToHex(form.program)})`;
  return undefined;
}

function addressDescriptor(script: Uint8Array, prefixes: AddressPrefixes): string {
  const address = addressOfScript(script, prefixes);
  return address === undefined ? `raw(${bytesToHex(script)})` : `addr(${address})`;
}

/** Descriptors have no words for the hybrid forms (06, 07). */
function isPlainKey(key: Uint8Array): boolean {
  return isCompressed(key) || (key.length === 65 && key[0] === 4);
}

/** Whether 32 bytes are the x of a point: a taproot output can be anything. Costs about 0.1 ms. */
function isOnCurve(x: Uint8Array): boolean {
  try {
    secp256k1.Point.fromBytes(Uint8Array.of(2, ...x)).assertValidity();
    return true;
  } catch {
    return false;
  }
}

/** What `decodescript` answers: the script itself and the scripts that would pay to it by hash. */
export function decodedScriptJson(script: Uint8Array, prefixes: AddressPrefixes): Record<string, unknown> {
  const form = classifyScript(script);
  const own = { asm: asm(script), desc: descriptor(script, form, prefixes), ...tail(script, form, prefixes) };
  if (!WRAPPABLE.has(form.type) || !hasOnlyKnownOperations(script)) return own;
  const segwit = segwitForm(script, form);
  return {
    ...own,
    p2sh: addressOfScript(payToScriptHash(script), prefixes),
    ...(segwit === undefined ? {} : { segwit: segwitJson(segwit, script, form, prefixes) }),
  };
}

const WRAPPABLE: ReadonlySet<ScriptTemplate["type"]> = new Set([
  "multisig",
  "nonstandard",
  "pubkey",
  "pubkeyhash",
  "witness_v0_keyhash",
  "witness_v0_scripthash",
] as const);

function hasOnlyKnownOperations(script: Uint8Array): boolean {
  if (isUnspendable(script)) return false;
  const reader = new ScriptReader(script);
  while (reader.next()) {
    if (reader.opcode > Op.OP_NOP10 || reader.dataLength > ELEMENT_BYTES_MAX || isOpSuccess(reader.opcode)) return false;
  }
  return reader.opcode !== Op.OP_INVALIDOPCODE;
}

/** The witness program that stands for the script: of the key's hash where there is one key, else of the script's. */
function segwitForm(script: Uint8Array, form: ScriptTemplate): Uint8Array | undefined {
  switch (form.type) {
    case "pubkey":
      return isCompressed(form.key) ? witnessProgram(hash160(form.key)) : undefined;
    case "pubkeyhash":
      return witnessProgram(form.hash);
    case "multisig":
      return form.keys.every(isCompressed) ? witnessProgram(sha256(script)) : undefined;
    case "nonstandard":
      return witnessProgram(sha256(script));
    default:
      return undefined;
  }
}

function segwitJson(
  program: Uint8Array,
  inner: Uint8Array,
  form: ScriptTemplate,
  prefixes: AddressPrefixes,
): Record<string, unknown> {
  const known = program.length === 34 ? (keyDescriptor(form, isCompressed) ?? keylessMiniscript(inner)) : undefined;
  return {
    ...scriptJson(program, prefixes),
    ...(known === undefined ? {} : { desc: withChecksum(`wsh(${known})`) }),
    "p2sh-segwit": addressOfScript(payToScriptHash(program), prefixes),
  };
}

/** Of miniscript, which Bitcoin Core tries too, we know the one sane expression without a key: `0`, which nobody can spend. */
function keylessMiniscript(script: Uint8Array): string | undefined {
  return script.length === 1 && script[0] === Op.OP_0 ? "0" : undefined;
}

function payToScriptHash(script: Uint8Array): Uint8Array {
  return Uint8Array.of(Op.OP_HASH160, 20, ...hash160(script), Op.OP_EQUAL);
}

function witnessProgram(program: Uint8Array): Uint8Array {
  return Uint8Array.of(Op.OP_0, program.length, ...program);
}
