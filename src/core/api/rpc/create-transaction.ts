import { bytesToHex } from "../../encoding/hex.ts";
import { decodeAddress } from "../../primitives/address.ts";
import { SEQUENCE_FINAL, Transaction, type TxInput, type TxOutput } from "../../primitives/transaction.ts";
import type { Sats, Txid } from "../../primitives/units.ts";
import { Op } from "../../script/opcodes.ts";
import { pushOf } from "../../script/script-reader.ts";
import { parseAmount } from "../format/amount.ts";
import type { ApiDeps } from "../ports.ts";
import { asBytes, asHash, asInteger, jsonType, typed } from "./args.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** The highest sequence that announces replacement (BIP125). */
const SEQUENCE_REPLACEABLE = SEQUENCE_FINAL - 2;
const VERSION = 2;

export function createrawtransaction({ params }: ApiDeps): RpcMethod {
  return {
    name: "createrawtransaction",
    group: "Rawtransactions",
    about:
      "Create a transaction spending the given inputs and creating new outputs.\nOutputs can be addresses or data.\nReturns hex-encoded raw transaction.\n" +
      "Note that the transaction's inputs are not signed, and\nit is not stored in the wallet or transmitted to the network.",
    params: [
      param("inputs", "array", "The inputs", { shown: '[{"txid":"hex","vout":n,"sequence":n},...]' }),
      param("outputs", "array", "The outputs: address and amount, or data and hex.", {
        unchecked: true,
        shown: '[{"address":amount,...},{"data":"hex"},...]',
      }),
      optional("locktime", "number", "Raw locktime. Non-0 value also locktime-activates inputs", "0"),
      optional("replaceable", "boolean", "Marks this transaction as BIP125-replaceable.", "true"),
      optional("version", "number", "Transaction version", "2"),
    ],
    results: result('"hex"', "(string) hex string of the transaction"),
    run(args) {
      const lockTime = args.integer(2, 0, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      if (lockTime < 0 || lockTime > 0xffffffff)
        throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, locktime out of range");
      const sequence = args.boolean(3, true) ? SEQUENCE_REPLACEABLE : lockTime > 0 ? SEQUENCE_FINAL - 1 : SEQUENCE_FINAL;
      const tx = Transaction.build({
        version: args.integer(4, VERSION),
        inputs: args.array(0).map((value) => readInput(value, sequence)),
        outputs: pairs(args.values[1]).map(([name, value]) => readOutput(params.prefixes, name, value)),
        lockTime,
      });
      return bytesToHex(tx.raw);
    },
  };
}

function readInput(value: unknown, fallback: number): TxInput {
  const input = typed(value, "object");
  const txid = asHash(input["txid"], "txid") as Txid;
  if (typeof input["vout"] !== "number") throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, missing vout key");
  const vout = asInteger(input["vout"]);
  if (vout < 0) throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, vout cannot be negative");
  const given = input["sequence"];
  const sequence = typeof given === "number" ? given : fallback;
  if (!(sequence >= 0 && sequence <= SEQUENCE_FINAL)) {
    throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, sequence number is out of range");
  }
  return { txid, vout, scriptSig: new Uint8Array(), sequence, witness: [] };
}

/** An object with a name for each output, or a list of objects with one name each. */
function pairs(outputs: unknown): readonly (readonly [string, unknown])[] {
  if (jsonType(outputs) === "object") return Object.entries(outputs as object);
  if (!Array.isArray(outputs)) throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, output argument must be non-null");
  return outputs.map((output) => {
    if (jsonType(output) !== "object")
      throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, key-value pair not an object as expected");
    const entries = Object.entries(output as object);
    if (entries.length !== 1)
      throw new RpcError(RPC.INVALID_PARAMETER, "Invalid parameter, key-value pair must contain exactly one key");
    return entries[0]!;
  });
}

function readOutput(prefixes: ApiDeps["params"]["prefixes"], name: string, value: unknown): TxOutput {
  if (name === "data") {
    const data = pushOf(asBytes(value, "Data"));
    return { value: 0 as Sats, script: Uint8Array.of(Op.OP_RETURN, ...data) };
  }
  const decoded = decodeAddress(name, prefixes);
  if ("error" in decoded) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, `Invalid Bitcoin address: ${name}`);
  return { value: parseAmount(value), script: decoded.script };
}
