import type { HelpResult, Param } from "./method.ts";

type Extra = Partial<Pick<Param, "optional" | "fallback" | "unchecked" | "shown" | "rows">>;

/** Parameters that many methods share; `extra` makes one optional. */
export const blockHashParam: Param = { name: "blockhash", type: "hex", about: "The block hash" };
export const txidParam: Param = { name: "txid", type: "hex", about: "The transaction id" };

export function param(name: string, type: Param["type"], about: string, extra: Extra = {}): Param {
  return { name, type, about, ...extra };
}

export function optional(name: string, type: Param["type"], about: string, fallback?: string, extra: Extra = {}): Param {
  return { name, type, about, optional: true, ...(fallback === undefined ? {} : { fallback }), ...extra };
}

/** A result of one row. */
export function result(left: string, right: string): readonly HelpResult[] {
  return [{ rows: [[left, right]] }];
}

export const nothing = result("null", "(json null)");
