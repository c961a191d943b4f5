import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hash160, sha256d } from "../../encoding/hash.ts";
import { Writer } from "../../encoding/writer.ts";
import { decodeAddress, decodeSecretKey } from "../../primitives/address.ts";
import { classifyScript } from "../../script/templates.ts";
import type { ApiDeps } from "../ports.ts";
import { SIGNMESSAGEWITHPRIVKEY_HELP } from "./help/signmessagewithprivkey.ts";
import type { RpcMethod } from "./method.ts";
import { param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Messages signed with the key of an address. */
export function signedMessageMethods(deps: ApiDeps): readonly RpcMethod[] {
  return [signmessagewithprivkey(deps), verifymessage(deps)];
}

/** The first byte of a signature says which of the four possible keys signed, and whether it is compressed. */
const FIRST_BYTE = 27;
const COMPRESSED = 4;

function signmessagewithprivkey({ params }: ApiDeps): RpcMethod {
  return {
    ...SIGNMESSAGEWITHPRIVKEY_HELP,
    name: "signmessagewithprivkey",
    group: "Util",
    run(args) {
      const secret = decodeSecretKey(args.text(0), params.prefixes);
      if (secret === undefined) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "Invalid private key");
      const signed = secp256k1.sign(messageHash(args.text(1)), secret.key, { prehash: false, lowS: true, format: "recovered" });
      const first = FIRST_BYTE + signed[0]! + (secret.compressed ? COMPRESSED : 0);
      return Buffer.concat([Uint8Array.of(first), signed.subarray(1)]).toString("base64");
    },
  };
}

function verifymessage({ params }: ApiDeps): RpcMethod {
  return {
    name: "verifymessage",
    group: "Util",
    about: "Verify a signed message.",
    params: [
      param("address", "string", "The bitcoin address to use for the signature."),
      param("signature", "string", "The signature provided by the signer in base 64 encoding (see signmessage)."),
      param("message", "string", "The message that was signed."),
    ],
    results: result("true|false", "(boolean) If the signature is verified or not."),
    run(args) {
      const decoded = decodeAddress(args.text(0), params.prefixes);
      if ("error" in decoded) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "Invalid address");
      const form = classifyScript(decoded.script);
      if (form.type !== "pubkeyhash") throw new RpcError(RPC.TYPE, "Address does not refer to key");
      const text = args.text(1);
      if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
        throw new RpcError(RPC.TYPE, "Malformed base64 encoding");
      }
      const key = recoverKey(Buffer.from(text, "base64"), messageHash(args.text(2)));
      return key !== undefined && Buffer.compare(hash160(key), form.hash) === 0;
    },
  };
}

/** The public key that made the signature, in the form that it says. */
function recoverKey(signature: Uint8Array, hash: Uint8Array): Uint8Array | undefined {
  const first = signature[0]! - FIRST_BYTE;
  if (signature.length !== 65 || first < 0 || first > 7) return undefined;
  try {
    const recovered = Uint8Array.of(first & 3, ...signature.subarray(1));
    const key = secp256k1.recoverPublicKey(recovered, hash, { prehash: false });
    return secp256k1.Point.fromBytes(key).toBytes((first & COMPRESSED) !== 0);
  } catch {
    return undefined;
  }
}

function messageHash(message: string): Uint8Array {
  const writer = new Writer().varBytes(Buffer.from("Bitcoin Signed Message:\n"));
  return sha256d(writer.varBytes(Buffer.from(message)).finish());
}
