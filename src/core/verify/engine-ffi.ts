import { createRequire } from "node:module";
import type { SignatureEngine } from "./engine.ts";

type Ffi = typeof import("node:ffi");

/** Sizes of the library's opaque structs are part of its interface: 64 bytes each. */
const STRUCT_BYTES = 64;
/** SECP256K1_CONTEXT_NONE. */
const CONTEXT = 1;

const FUNCTIONS = {
  secp256k1_context_create: { arguments: ["uint32"], return: "pointer" },
  secp256k1_ec_pubkey_parse: { arguments: ["pointer", "buffer", "buffer", "uint64"], return: "int32" },
  secp256k1_ecdsa_signature_parse_compact: { arguments: ["pointer", "buffer", "buffer"], return: "int32" },
  secp256k1_ecdsa_verify: { arguments: ["pointer", "buffer", "buffer", "buffer"], return: "int32" },
  secp256k1_xonly_pubkey_parse: { arguments: ["pointer", "buffer", "buffer"], return: "int32" },
  secp256k1_schnorrsig_verify: { arguments: ["pointer", "buffer", "buffer", "uint64", "buffer"], return: "int32" },
  secp256k1_xonly_pubkey_tweak_add_check: { arguments: ["pointer", "buffer", "int32", "buffer", "buffer"], return: "int32" },
} as const;

let engine: SignatureEngine | false | undefined;

/** The system's libsecp256k1 with its BIP340 module, from version 0.2 on. */
export function findFfiEngine(): SignatureEngine | undefined {
  engine ??= load();
  return engine || undefined;
}

function load(): SignatureEngine | false {
  let ffi: Ffi;
  try {
    ffi = createRequire(import.meta.url)("node:ffi") as Ffi;
  } catch {
    return false; // Older Node, or built without it.
  }
  for (const path of libraryPaths(ffi.suffix)) {
    try {
      return ffiEngine(ffi.dlopen(path, FUNCTIONS).functions);
    } catch {
      // Not there, or without the modules that we need: the next one.
    }
  }
  return false;
}

/** CHAINCORE_LIBSECP256K1 names a file of its own. */
function libraryPaths(suffix: string): readonly string[] {
  const named = process.env["CHAINCORE_LIBSECP256K1"];
  if (named !== undefined) return [named];
  const versions = [6, 5, 4, 3, 2, 1].map((version) => `libsecp256k1.so.${version}`);
  return suffix === "so" ? [...versions, "libsecp256k1.so"] : [`libsecp256k1.${suffix}`];
}

type Library = ReturnType<Ffi["dlopen"]>["functions"] & Record<keyof typeof FUNCTIONS, (...args: never[]) => unknown>;

function ffiEngine(library: Library): SignatureEngine {
  const call = library as unknown as Record<keyof typeof FUNCTIONS, (...args: unknown[]) => unknown>;
  const context = call.secp256k1_context_create(CONTEXT);
  const key = Buffer.alloc(STRUCT_BYTES);
  const parsed = Buffer.alloc(STRUCT_BYTES);
  return {
    name: "ffi",

    ecdsa(signature, publicKey, hash) {
      return (
        call.secp256k1_ec_pubkey_parse(context, key, publicKey, BigInt(publicKey.length)) === 1 &&
        call.secp256k1_ecdsa_signature_parse_compact(context, parsed, signature) === 1 &&
        call.secp256k1_ecdsa_verify(context, parsed, hash, key) === 1
      );
    },

    schnorr(signature, publicKey, message) {
      return (
        call.secp256k1_xonly_pubkey_parse(context, key, publicKey) === 1 &&
        call.secp256k1_schnorrsig_verify(context, signature, message, BigInt(message.length), key) === 1
      );
    },

    isTweaked(output, parity, internal, tweak) {
      return (
        call.secp256k1_xonly_pubkey_parse(context, key, internal) === 1 &&
        call.secp256k1_xonly_pubkey_tweak_add_check(context, output, parity, key, tweak) === 1
      );
    },
  };
}
