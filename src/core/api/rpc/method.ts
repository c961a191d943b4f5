import type { Root } from "../../locks/context.ts";
import type { Args } from "./args.ts";

/** The groups of `help`, in its order. */
export const RPC_GROUPS = ["Blockchain", "Control", "Mining", "Network", "Rawtransactions", "Util", "Wallet"] as const;
export type RpcGroup = (typeof RPC_GROUPS)[number];

export type ParamType = "string" | "hex" | "number" | "boolean" | "amount" | "array" | "object" | "any";

/** One parameter as `help` describes it and as a call is checked against it. */
export interface Param {
  /** Its name, and after bars the names that it had before: `verbosity|verbose`. */
  readonly name: string;
  readonly type: ParamType;
  readonly about: string;
  readonly optional?: boolean;
  /** Stands in `help` as `default=...`. */
  readonly fallback?: string;
  /** Checked by the method itself: it takes more types than one. */
  readonly unchecked?: boolean;
  /** How the first line shows it, where the name alone would not do. */
  readonly shown?: string;
  /** Rows below it in `help`: what an array or object holds. */
  readonly rows?: readonly HelpRow[];
}

/** A left part, with its indentation, and what stands beside it. */
export type HelpRow = readonly [left: string, right?: string];

export interface HelpResult {
  /** `for verbosity = 0`, `Otherwise`, ... */
  readonly when?: string;
  readonly rows: readonly HelpRow[];
}

/** What every call runs under. */
export interface Call {
  /** The lock task of this request. */
  readonly at: Root;
  /** Aborted when the client leaves or the node stops. */
  readonly signal: AbortSignal;
}

/** What `help` says of a method, and what its arguments are checked against. */
export interface RpcHelp {
  readonly about: string;
  readonly params: readonly Param[];
  readonly results?: readonly HelpResult[];
  /** Arguments of example calls, each as on a command line; one call without arguments where there is none. */
  readonly examples?: readonly string[];
  /** The Examples section in full, where it is more than the calls. */
  readonly examplesText?: string;
}

export interface RpcMethod extends RpcHelp {
  readonly name: string;
  readonly group: RpcGroup;
  /** @throws RpcError */
  run(args: Args, call: Call): unknown;
}
