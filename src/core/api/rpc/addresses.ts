import { bytesToHex } from "../../encoding/hex.ts";
import { type AddressPrefixes, addressOfScript, decodeAddress, witnessProgramOf } from "../../primitives/address.ts";
import { amount } from "../format/amount.ts";
import type { ApiDeps } from "../ports.ts";
import { VALIDATEADDRESS_HELP } from "./help/validateaddress.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Addresses, fees and indexes: what a caller asks before it builds a transaction. */
export function addressMethods(deps: ApiDeps): readonly RpcMethod[] {
  return [validateaddress(deps), estimatesmartfee(deps), getindexinfo(deps)];
}

function validateaddress({ params }: ApiDeps): RpcMethod {
  return {
    ...VALIDATEADDRESS_HELP,
    name: "validateaddress",
    group: "Util",
    run: (args) => addressJson(args.text(0), params.prefixes),
  };
}

function addressJson(text: string, prefixes: AddressPrefixes): Record<string, unknown> {
  const decoded = decodeAddress(text, prefixes);
  if ("error" in decoded) return { isvalid: false, error_locations: decoded.locations, error: decoded.error };
  const { script, witnessVersion, witnessProgram, isScript } = decoded;
  return {
    isvalid: true,
    address: addressOfScript(script, prefixes),
    scriptPubKey: bytesToHex(script),
    ...(isScript === undefined ? {} : { isscript: isScript }),
    iswitness: witnessProgramOf(script) !== undefined,
    ...(witnessVersion === undefined ? {} : { witness_version: witnessVersion, witness_program: bytesToHex(witnessProgram!) }),
  };
}

/** The longest horizon of Bitcoin Core's estimator, in blocks. */
const TARGET_BLOCKS_MAX = 1008;
const MODES = ["unset", "economical", "conservative"] as const;

/** There is no history of fees to learn from on a development chain: the floor is the answer, where the node gives one. */
function estimatesmartfee({ feeFloor }: ApiDeps): RpcMethod {
  return {
    name: "estimatesmartfee",
    group: "Util",
    about:
      "Estimates the approximate fee per kilobyte needed for a transaction to begin confirmation within conf_target blocks if possible.",
    params: [
      param("conf_target", "number", "Confirmation target in blocks (1 - 1008)"),
      optional("estimate_mode", "string", "The fee estimate mode.", "economical"),
    ],
    results: result("{...}", "(json object)"),
    examples: ["6"],
    run(args) {
      const blocks = args.integer(0);
      if (blocks < 1 || blocks > TARGET_BLOCKS_MAX) {
        throw new RpcError(RPC.INVALID_PARAMETER, `Invalid conf_target, must be between 1 and ${TARGET_BLOCKS_MAX}`);
      }
      const mode = args.text(1, "economical").toLowerCase();
      if (!(MODES as readonly string[]).includes(mode)) {
        const modes = MODES.map((each) => `"${each}"`).join(", ");
        throw new RpcError(RPC.INVALID_PARAMETER, `Invalid estimate_mode parameter, must be one of: ${modes}`);
      }
      const floor = feeFloor?.();
      return floor === undefined
        ? { errors: ["Insufficient data or no feerate found"], blocks: 0 }
        : { feerate: amount(floor), blocks };
    },
  };
}

function getindexinfo({ chain }: ApiDeps): RpcMethod {
  return {
    name: "getindexinfo",
    group: "Util",
    about: "Returns the status of one or all available indices currently running in the node.",
    params: [optional("index_name", "string", "Filter results for an index with a specific name.")],
    results: result("{...}", "(json object)"),
    run(args) {
      const wanted = args.text(0, "txindex");
      return wanted === "txindex" ? { txindex: { synced: true, best_block_height: chain.tip.height } } : {};
    },
  };
}
