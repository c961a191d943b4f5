import { hash160, sha256 } from "../encoding/hash.ts";
import { bytesToHex } from "../encoding/hex.ts";
import { type AddressPrefixes, addressOfScript } from "../primitives/address.ts";
import { asm } from "./asm.ts";
import { inferDescriptor, inferWitnessScript } from "./descriptor.ts";
import { ELEMENT_BYTES_MAX } from "./limits.ts";
import { isOpSuccess, Op } from "./opcodes.ts";
import { isCompressed } from "./public-key.ts";
import { isUnspendable } from "./script-forms.ts";
import { ScriptReader } from "./script-reader.ts";
import { classifyScript, type OutputType } from "./templates.ts";

/** An output script as Bitcoin Core's RPCs show it, in the order of its fields; `hex` stands between `desc` and `address` in decoded outputs. */
export interface DescribedScript {
  readonly asm: string;
  readonly desc: string;
  readonly hex: string;
  /** Absent where the form has none; a bare public key has none either. */
  readonly address?: string;
  readonly type: OutputType;
}

export function describeScript(script: Uint8Array, prefixes: AddressPrefixes): DescribedScript {
  const address = addressOfScript(script, prefixes);
  return {
    asm: asm(script),
    desc: inferDescriptor(script, prefixes),
    hex: bytesToHex(script),
    ...(address === undefined ? {} : { address }),
    type: classifyScript(script).type,
  };
}

/** What `decodescript` answers. */
export interface DecodedScript extends Omit<DescribedScript, "hex"> {
  /** The address of the script's hash, where it makes sense to pay there. */
  readonly p2sh?: string;
  readonly segwit?: DescribedScript & { readonly "p2sh-segwit": string };
}

export function decodeScript(script: Uint8Array, prefixes: AddressPrefixes): DecodedScript {
  const { hex: _, ...described } = describeScript(script, prefixes);
  if (!canBeWrapped(script)) return described;
  const p2sh = scriptHashAddress(script, prefixes);
  const witnessOutput = segwitForm(script);
  if (witnessOutput === undefined) return { ...described, p2sh };
  const shown = describeScript(witnessOutput, prefixes);
  const inferred = witnessOutput.length === 34 ? inferWitnessScript(script) : undefined;
  const segwit = {
    ...shown,
    desc: inferred ?? shown.desc,
    "p2sh-segwit": scriptHashAddress(witnessOutput, prefixes),
  };
  return { ...described, p2sh, segwit };
}

const NEVER_WRAPPED: ReadonlySet<OutputType> = new Set([
  "nulldata",
  "scripthash",
  "witness_unknown",
  "witness_v1_taproot",
  "anchor",
]);

/** Highest opcode that Core calls an operation (MAX_OPCODE): OP_NOP10. */
const OPCODE_MAX = Op.OP_NOP10;

/** Core offers P2SH for whatever could be spent through it. */
function canBeWrapped(script: Uint8Array): boolean {
  if (NEVER_WRAPPED.has(classifyScript(script).type) || isUnspendable(script)) return false;
  const reader = new ScriptReader(script);
  while (reader.position < reader.end) {
    if (!reader.next() || reader.opcode > OPCODE_MAX || reader.dataLength > ELEMENT_BYTES_MAX) return false;
    if (isOpSuccess(reader.opcode)) return false;
  }
  return true;
}

/** The witness output that the script could stand behind: P2WPKH for a key, P2WSH for the rest; none for uncompressed keys and what is wrapped already. */
function segwitForm(script: Uint8Array): Uint8Array | undefined {
  const template = classifyScript(script);
  switch (template.type) {
    case "pubkey":
      return isCompressed(template.key) ? program(hash160(template.key)) : undefined;
    case "pubkeyhash":
      return program(template.hash);
    case "multisig":
      return template.keys.every(isCompressed) ? program(sha256(script)) : undefined;
    case "nonstandard":
      return program(sha256(script));
    default:
      return undefined;
  }
}

function program(hash: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(Op.OP_0, hash.length), hash]);
}

function scriptHashAddress(script: Uint8Array, prefixes: AddressPrefixes): string {
  const output = Buffer.concat([Uint8Array.of(Op.OP_HASH160, 20), hash160(script), Uint8Array.of(Op.OP_EQUAL)]);
  return addressOfScript(output, prefixes)!;
}
