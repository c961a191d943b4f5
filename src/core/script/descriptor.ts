import { bytesToHex } from "../encoding/hex.ts";
import { type AddressPrefixes, addressOfScript } from "../primitives/address.ts";
import { isCompressed } from "./public-key.ts";
import { classifyScript } from "./templates.ts";

/** The characters of descriptors, in groups of 32: a position is a symbol and a group (BIP380). */
const INPUT_CHARSET = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
const CHECKSUM_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn];

function polymod(checksum: bigint, symbol: number): bigint {
  const top = checksum >> 35n;
  let next = ((checksum & 0x7ffffffffn) << 5n) ^ BigInt(symbol);
  for (let i = 0; i < 5; i++) if ((top >> BigInt(i)) & 1n) next ^= GENERATOR[i]!;
  return next;
}

/** The 8 characters behind "#" (BIP380); undefined where a character has no place in a descriptor. */
export function descriptorChecksum(descriptor: string): string | undefined {
  let checksum = 1n;
  let groups = 0;
  let count = 0;
  for (const character of descriptor) {
    const position = INPUT_CHARSET.indexOf(character);
    if (position < 0) return undefined;
    checksum = polymod(checksum, position & 31);
    groups = groups * 3 + (position >> 5);
    if (++count % 3 === 0) {
      checksum = polymod(checksum, groups);
      groups = 0;
    }
  }
  if (count % 3 !== 0) checksum = polymod(checksum, groups);
  for (let i = 0; i < 8; i++) checksum = polymod(checksum, 0);
  checksum ^= 1n;
  return Array.from({ length: 8 }, (_, i) => CHECKSUM_CHARSET[Number((checksum >> BigInt(5 * (7 - i))) & 31n)]).join("");
}

export function withChecksum(descriptor: string): string {
  return `${descriptor}#${descriptorChecksum(descriptor)}`;
}

/**
 * The descriptor that Bitcoin Core infers from an output script alone, with its checksum: keys where the script shows them,
 * else the address, else the bytes.
 */
export function inferDescriptor(script: Uint8Array, prefixes: AddressPrefixes): string {
  return withChecksum(keyDescriptor(script, isPlainKey) ?? addressDescriptor(script, prefixes));
}

/**
 * The descriptor of a P2WSH output whose script is known, as `decodescript` infers it; undefined where Core would name the
 * address. Core looks for miniscript too; of that only what keyDescriptor knows is found here, and "0".
 */
export function inferWitnessScript(witnessScript: Uint8Array): string | undefined {
  const inner = witnessScript.length === 1 && witnessScript[0] === 0 ? "0" : keyDescriptor(witnessScript, isCompressed);
  return inner === undefined || inner.startsWith("rawtr") ? undefined : withChecksum(`wsh(${inner})`);
}

function keyDescriptor(script: Uint8Array, isKey: (key: Uint8Array) => boolean): string | undefined {
  const template = classifyScript(script);
  if (template.type === "pubkey" && isKey(template.key)) return `pk(${bytesToHex(template.key)})`;
  if (template.type === "multisig" && template.keys.every(isKey)) {
    return `multi(${[template.required, ...template.keys.map(bytesToHex)].join(",")})`;
  }
  if (template.type === "witness_v1_taproot" && isOnCurve(template.program)) return `rawtr(${bytesToHex(template.program)})`;
  return undefined;
}

function addressDescriptor(script: Uint8Array, prefixes: AddressPrefixes): string {
  const address = addressOfScript(script, prefixes);
  return address === undefined ? `raw(${bytesToHex(script)})` : `addr(${address})`;
}

/** Descriptors have no hybrid keys. */
function isPlainKey(key: Uint8Array): boolean {
  return isCompressed(key) || key[0] === 4;
}

const FIELD = 2n ** 256n - 2n ** 32n - 977n;

/** Whether some point of secp256k1 has this x: x^3 + 7 is a square (Euler's criterion). 0.2 ms: for people, not for validation. */
function isOnCurve(x: Uint8Array): boolean {
  const value = BigInt(`0x${bytesToHex(x)}`);
  if (value >= FIELD) return false;
  let power = (value ** 3n + 7n) % FIELD;
  let result = 1n;
  for (let exponent = (FIELD - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * power) % FIELD;
    power = (power * power) % FIELD;
  }
  return result <= 1n;
}
