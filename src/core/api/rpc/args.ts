import { hexToBytes } from "../../encoding/hex.ts";
import type { BlockHash, FeeRate, Sats, Txid } from "../../primitives/units.ts";
import { parseAmount } from "../format/amount.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/**
 * The positional values of one call. `null` and absent are one: the default. The declared types were checked before;
 * these getters check what the declaration leaves open, with Bitcoin Core's words.
 */
export class Args {
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.values = values;
  }

  has(index: number): boolean {
    return this.values[index] !== null && this.values[index] !== undefined;
  }

  text(index: number): string;
  text<T>(index: number, fallback: T): string | T;
  text(index: number, fallback?: unknown): unknown {
    return this.has(index) ? typed(this.values[index], "string") : fallback;
  }

  boolean(index: number, fallback: boolean): boolean {
    return this.has(index) ? typed(this.values[index], "boolean") : fallback;
  }

  /** @throws RpcError -1 for a number with a fraction or outside `low`..`high` (32 bits signed by default). */
  integer(index: number): number;
  integer<T>(index: number, fallback: T, low?: number, high?: number): number | T;
  integer(index: number, fallback?: unknown, low = -0x80000000, high = 0x7fffffff): unknown {
    return this.has(index) ? asInteger(this.values[index], low, high) : fallback;
  }

  /** A verbosity: a number, or the booleans that it grew out of. */
  verbosity(index: number, fallback: number): number {
    const value = this.values[index];
    return typeof value === "boolean" ? Number(value) : this.integer(index, fallback);
  }

  array(index: number): readonly unknown[] {
    return this.has(index) ? typed(this.values[index], "array") : [];
  }

  object(index: number): Readonly<Record<string, unknown>> {
    return this.has(index) ? typed(this.values[index], "object") : {};
  }

  blockHash(index: number, name = "blockhash"): BlockHash {
    return asHash(this.text(index), name) as BlockHash;
  }

  txid(index: number, name = "txid"): Txid {
    return asHash(this.text(index), name) as Txid;
  }

  /** @throws RpcError -8 unless the text is whole bytes of hex. */
  bytes(index: number, name: string): Uint8Array {
    return asBytes(this.text(index), name);
  }

  amount(index: number): Sats;
  amount<T>(index: number, fallback: T): Sats | T;
  amount(index: number, fallback?: unknown): unknown {
    return this.has(index) ? parseAmount(this.values[index]) : fallback;
  }

  /** Whole satoshis, of either sign. */
  satoshis(index: number): Sats {
    return asInteger(this.values[index], Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) as Sats;
  }

  /** In coins per 1,000 virtual bytes, at most one coin. */
  feeRate(index: number, fallback: FeeRate): FeeRate {
    if (!this.has(index)) return fallback;
    const rate = parseAmount(this.values[index]) as number;
    if (rate >= 100_000_000)
      throw new RpcError(RPC.INVALID_PARAMETER, "Fee rates larger than or equal to 1BTC/kvB are not accepted");
    return rate as FeeRate;
  }
}

interface JsonTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly array: readonly unknown[];
  readonly object: Readonly<Record<string, unknown>>;
}

/** The name that UniValue gives a value's type. */
export function jsonType(value: unknown): "null" | "bool" | "object" | "array" | "string" | "number" {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "boolean" ? "bool" : (type as "object" | "string" | "number");
}

/** @throws RpcError -3 */
export function typed<K extends keyof JsonTypes>(value: unknown, type: K): JsonTypes[K] {
  const wanted = type === "boolean" ? "bool" : type;
  const got = jsonType(value);
  if (got !== wanted) throw new RpcError(RPC.TYPE, `JSON value of type ${got} is not of expected type ${wanted}`);
  return value as JsonTypes[K];
}

/** @throws RpcError -3, -1 */
export function asInteger(value: unknown, low = -0x80000000, high = 0x7fffffff): number {
  const number = typed(value, "number");
  if (!Number.isInteger(number) || number < low || number > high) throw new RpcError(RPC.MISC, "JSON integer out of range");
  return number;
}

/** @throws RpcError -3, -8 */
export function asHash(value: unknown, name: string): string {
  const text = typed(value, "string");
  if (text.length !== 64)
    throw new RpcError(RPC.INVALID_PARAMETER, `${name} must be of length 64 (not ${text.length}, for '${text}')`);
  if (!/^[0-9a-fA-F]*$/.test(text))
    throw new RpcError(RPC.INVALID_PARAMETER, `${name} must be hexadecimal string (not '${text}')`);
  return text.toLowerCase();
}

/** @throws RpcError -3, -8 */
export function asBytes(value: unknown, name: string): Uint8Array {
  const text = typed(value, "string");
  if (!isHex(text)) throw new RpcError(RPC.INVALID_PARAMETER, `${name} must be hexadecimal string (not '${text}')`);
  return hexToBytes(text.toLowerCase());
}

export function isHex(text: string): boolean {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text);
}
