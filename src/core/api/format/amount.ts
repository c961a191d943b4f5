import { MAX_MONEY, type Sats } from "../../primitives/units.ts";
import { RPC, RpcError } from "../rpc/rpc-error.ts";

/** A number whose text is kept as it is when the answer is written. */
export interface NumberText {
  readonly rawJSON: string;
}

// Node has it; TypeScript's library does not yet.
const rawJson = (JSON as unknown as { rawJSON(text: string): NumberText }).rawJSON;

/** Coins with 8 decimals, never an exponent: `0.00001000`. */
export function amountText(value: number): string {
  const digits = Math.abs(value).toString().padStart(9, "0");
  return `${value < 0 ? "-" : ""}${digits.slice(0, -8)}.${digits.slice(-8)}`;
}

export function amount(value: number): NumberText {
  return rawJson(amountText(value));
}

/** A double as Bitcoin Core prints it: 16 significant digits, no zeros at the end (printf's %.16g). */
export function double(value: number): NumberText {
  return rawJson(doubleText(value));
}

export function doubleText(value: number): string {
  if (value === 0) return "0";
  const [mantissa, exponentText] = value.toExponential(15).split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 16) return trimZeros(value.toFixed(Math.max(0, 15 - exponent)));
  const sign = exponent < 0 ? "-" : "+";
  return `${trimZeros(mantissa)}e${sign}${Math.abs(exponent).toString().padStart(2, "0")}`;
}

function trimZeros(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

/** An integer of more than 53 bits. */
export function bigNumber(value: bigint): NumberText {
  return rawJson(value.toString());
}

/**
 * Coins from a JSON number or a text of one: at most 8 decimals, between 0 and 21 million.
 * @throws RpcError -3 with Bitcoin Core's words
 */
export function parseAmount(value: unknown): Sats {
  if (typeof value !== "number" && typeof value !== "string") throw new RpcError(RPC.TYPE, "Amount is not a number or string");
  const parsed = parseDecimal(String(value));
  if (parsed === undefined) throw new RpcError(RPC.TYPE, "Invalid amount");
  if (parsed < 0 || parsed > MAX_MONEY) throw new RpcError(RPC.TYPE, "Amount out of range");
  return parsed as Sats;
}

const DECIMAL = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A decimal times 10^8 as a whole number; undefined where it is none, or too large to be exact. */
function parseDecimal(text: string): number | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const fraction = match[3] ?? "";
  const shift = 8 + Number(match[4] ?? 0) - fraction.length;
  const digits = (match[2]! + fraction).replace(/^0+(?=.)/, "");
  const kept = shift >= 0 ? digits + "0".repeat(Math.min(shift, 30)) : digits.slice(0, shift) || "0";
  const dropped = shift >= 0 ? "" : digits.slice(shift);
  if (/[^0]/.test(dropped) || kept.length > 18) return undefined;
  const whole = Number(kept);
  return Number.isSafeInteger(whole) ? (match[1] === "-" && whole !== 0 ? -whole : whole) : undefined;
}
