import { base58, bech32, bech32m } from "@scure/base";
import { sha256d } from "../encoding/hash.ts";
import { bytesToHex } from "../encoding/hex.ts";
import { locateBech32Errors } from "./bech32-errors.ts";

/** What tells the addresses of one network from another's. */
export interface AddressPrefixes {
  /** Human-readable part of segwit addresses: "bcrt". */
  readonly bech32: string;
  readonly publicKeyHash: number;
  readonly scriptHash: number;
  /** First byte of a private key in base58. */
  readonly secretKey: number;
}

/** What an address pays to, or Bitcoin Core's sentence on what is wrong with it (key_io.cpp) and where. */
export type DecodedAddress =
  | {
      readonly script: Uint8Array;
      readonly witnessVersion?: number;
      readonly witnessProgram?: Uint8Array;
      /** Whether it pays to a script's hash; undefined for witness versions that have no meaning yet. */
      readonly isScript: boolean | undefined;
    }
  | { readonly error: string; readonly locations: readonly number[] };

const BASE58_DIGITS = /^[1-9A-HJ-NP-Za-km-z]*$/;

/** The output script behind an address of the network with these prefixes. Never throws. */
export function decodeAddress(text: string, prefixes: AddressPrefixes): DecodedAddress {
  return hasPrefix(text, prefixes) ? decodeSegwit(text, prefixes) : decodeBase58(text, prefixes);
}

/** The address that pays to `script`, if its form has one. */
export function addressOfScript(script: Uint8Array, prefixes: AddressPrefixes): string | undefined {
  if (
    script.length === 25 &&
    script[0] === 0x76 &&
    script[1] === 0xa9 &&
    script[2] === 20 &&
    script[23] === 0x88 &&
    script[24] === 0xac
  ) {
    return encodeBase58Check(prefixes.publicKeyHash, script.subarray(3, 23));
  }
  if (script.length === 23 && script[0] === 0xa9 && script[1] === 20 && script[22] === 0x87) {
    return encodeBase58Check(prefixes.scriptHash, script.subarray(2, 22));
  }
  const program = witnessProgramOf(script);
  if (program === undefined) return undefined;
  const isKnownLength = program.version !== 0 || program.bytes.length === 20 || program.bytes.length === 32;
  return isKnownLength ? encodeSegwit(program.version, program.bytes, prefixes) : undefined;
}

/** A version and 2 to 40 bytes, if `script` is of that form (BIP141). */
export function witnessProgramOf(script: Uint8Array): { readonly version: number; readonly bytes: Uint8Array } | undefined {
  if (script.length < 4 || script.length > 42 || script[1] !== script.length - 2) return undefined;
  const opcode = script[0]!;
  if (opcode !== 0 && (opcode < 0x51 || opcode > 0x60)) return undefined;
  return { version: opcode === 0 ? 0 : opcode - 0x50, bytes: script.subarray(2) };
}

export function encodeSegwit(version: number, program: Uint8Array, prefixes: AddressPrefixes): string {
  const codec = version === 0 ? bech32 : bech32m;
  return codec.encode(prefixes.bech32, [version, ...codec.toWords(program)]);
}

/** Base58 with the first four bytes of the double SHA-256 behind. */
export function encodeBase58Check(version: number, payload: Uint8Array): string {
  const bytes = Buffer.concat([Uint8Array.of(version), payload]);
  return base58.encode(Buffer.concat([bytes, sha256d(bytes).subarray(0, 4)]));
}

/** Version byte and payload; undefined for bad digits, length or checksum. */
export function decodeBase58Check(text: string): { readonly version: number; readonly payload: Uint8Array } | undefined {
  if (text.length > 128 || !BASE58_DIGITS.test(text)) return undefined;
  const bytes = base58.decode(text);
  if (bytes.length < 5) return undefined;
  const body = bytes.subarray(0, bytes.length - 4);
  if (Buffer.compare(sha256d(body).subarray(0, 4), bytes.subarray(bytes.length - 4)) !== 0) return undefined;
  return { version: body[0]!, payload: body.subarray(1) };
}

/** A private key in wallet import format: 32 bytes and whether its public key is meant compressed. */
export function decodeSecretKey(
  text: string,
  prefixes: AddressPrefixes,
): { readonly key: Uint8Array; readonly compressed: boolean } | undefined {
  const decoded = decodeBase58Check(text);
  if (decoded === undefined || decoded.version !== prefixes.secretKey) return undefined;
  const { payload } = decoded;
  if (payload.length === 32) return { key: payload, compressed: false };
  return payload.length === 33 && payload[32] === 1 ? { key: payload.subarray(0, 32), compressed: true } : undefined;
}

function hasPrefix(text: string, prefixes: AddressPrefixes): boolean {
  return text.slice(0, prefixes.bech32.length).toLowerCase() === prefixes.bech32;
}

function decodeBase58(text: string, prefixes: AddressPrefixes): DecodedAddress {
  const decoded = decodeBase58Check(text);
  if (decoded === undefined || decoded.payload.length > 20) {
    return BASE58_DIGITS.test(text)
      ? failure("Invalid checksum or length of Base58 address (P2PKH or P2SH)")
      : failure("Invalid or unsupported Segwit (Bech32) or Base58 encoding.");
  }
  const { version, payload } = decoded;
  const isKeyHash = version === prefixes.publicKeyHash;
  const isScriptHash = version === prefixes.scriptHash;
  if (!isKeyHash && !isScriptHash) return failure("Invalid or unsupported Base58-encoded address.");
  if (payload.length !== 20) return failure("Invalid length for Base58 address (P2PKH or P2SH)");
  const script = isKeyHash
    ? Buffer.concat([Uint8Array.of(0x76, 0xa9, 20), payload, Uint8Array.of(0x88, 0xac)])
    : Buffer.concat([Uint8Array.of(0xa9, 20), payload, Uint8Array.of(0x87)]);
  return { script, isScript: isScriptHash };
}

function decodeSegwit(text: string, prefixes: AddressPrefixes): DecodedAddress {
  const fault = locateBech32Errors(text);
  if (fault !== undefined) return failure(fault.message, fault.locations);
  const inBech32 = bech32.decodeUnsafe(text, 90);
  const decoded = inBech32 || bech32m.decodeUnsafe(text, 90);
  if (!decoded || decoded.words.length === 0) return failure("Empty Bech32 data section");
  const { prefix, words } = decoded;
  if (prefix !== prefixes.bech32) {
    return failure(`Invalid or unsupported prefix for Segwit (Bech32) address (expected ${prefixes.bech32}, got ${prefix}).`);
  }
  const version = words[0]!;
  if (version === 0 && !inBech32) return failure("Version 0 witness address must use Bech32 checksum");
  if (version !== 0 && inBech32) return failure("Version 1+ witness address must use Bech32m checksum");
  const program = bech32.fromWordsUnsafe(words.slice(1));
  return program ? witnessAddress(version, program) : failure("Invalid padding in Bech32 data section");
}

const PAY_TO_ANCHOR = "4e73";

function witnessAddress(version: number, program: Uint8Array): DecodedAddress {
  const size = `${program.length} byte${program.length === 1 ? "" : "s"}`;
  if (version === 0 && program.length !== 20 && program.length !== 32) {
    return failure(`Invalid Bech32 v0 address program size (${size}), per BIP141`);
  }
  if (version > 16) return failure("Invalid Bech32 address witness version");
  if (program.length < 2 || program.length > 40) return failure(`Invalid Bech32 address program size (${size})`);
  const script = Buffer.concat([Uint8Array.of(version === 0 ? 0 : 0x50 + version, program.length), program]);
  if (version === 1 && bytesToHex(program) === PAY_TO_ANCHOR) return { script, isScript: true };
  const isScript = version === 0 || (version === 1 && program.length === 32) ? program.length === 32 : undefined;
  return { script, witnessVersion: version, witnessProgram: program, isScript };
}

function failure(error: string, locations: readonly number[] = []): DecodedAddress {
  return { error, locations };
}
