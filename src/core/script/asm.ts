import { bytesToHex } from "../encoding/hex.ts";
import { checkSignatureEncoding } from "./der.ts";
import { Flag } from "./flags.ts";
import { Op, opName } from "./opcodes.ts";
import { isUnspendable } from "./script-forms.ts";
import { decodeNumber, NUMBER_BYTES } from "./script-number.ts";
import { ScriptReader } from "./script-reader.ts";

const HASH_TYPES = new Map([
  [0x01, "ALL"],
  [0x81, "ALL|ANYONECANPAY"],
  [0x02, "NONE"],
  [0x82, "NONE|ANYONECANPAY"],
  [0x03, "SINGLE"],
  [0x83, "SINGLE|ANYONECANPAY"],
]);

/**
 * A script as Bitcoin Core's RPCs print it: operations by name, pushes of up to 4 bytes as numbers, longer ones as hex,
 * "[error]" where a push runs beyond the end.
 * @param decodesHashTypes show the last byte of what looks like a signature as "[ALL]"; Core does so for scriptSig.
 */
export function asm(script: Uint8Array, decodesHashTypes = false): string {
  const showsHashTypes = decodesHashTypes && !isUnspendable(script);
  const reader = new ScriptReader(script);
  const words: string[] = [];
  while (reader.position < reader.end) {
    if (!reader.next()) {
      words.push("[error]");
      break;
    }
    words.push(reader.opcode > Op.OP_PUSHDATA4 ? opName(reader.opcode) : pushedText(reader.data(), showsHashTypes));
  }
  return words.join(" ");
}

function pushedText(data: Uint8Array, showsHashTypes: boolean): string {
  if (data.length <= NUMBER_BYTES) return String(decodeNumber(data, false));
  if (showsHashTypes && checkSignatureEncoding(data, Flag.STRICTENC) === "OK") {
    return `${bytesToHex(data.subarray(0, -1))}[${HASH_TYPES.get(data[data.length - 1]!)}]`;
  }
  return bytesToHex(data);
}
