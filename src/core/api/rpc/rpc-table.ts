import { Args, jsonType } from "./args.ts";
import { firstName, helpText } from "./help-text.ts";
import type { Call, Param, ParamType, RpcMethod } from "./method.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** All methods by name; the one way to call one. */
export class RpcTable {
  readonly #methods = new Map<string, RpcMethod>();
  #warmup: string | undefined;

  add(methods: readonly RpcMethod[]): this {
    for (const method of methods) this.#methods.set(method.name, method);
    return this;
  }

  find(name: string): RpcMethod | undefined {
    return this.#methods.get(name);
  }

  all(): RpcMethod[] {
    return [...this.#methods.values()];
  }

  /** While there is a text, every call answers -28 with it; undefined ends that. */
  set warmup(text: string | undefined) {
    this.#warmup = text;
  }

  /** @throws RpcError */
  call(name: string, params: unknown, call: Call): unknown {
    if (this.#warmup !== undefined) throw new RpcError(RPC.IN_WARMUP, this.#warmup);
    const method = this.#methods.get(name);
    if (method === undefined) throw new RpcError(RPC.METHOD_NOT_FOUND, "Method not found");
    const values = Array.isArray(params) ? params : placeNamed(method.params, params as Readonly<Record<string, unknown>>);
    checkCount(method, values);
    checkTypes(method.params, values);
    return method.run(new Args(values), call);
  }
}

/** Named parameters in their places; `args` holds what comes by position before them. */
function placeNamed(params: readonly Param[], named: Readonly<Record<string, unknown>>): unknown[] {
  const left = new Map(Object.entries(named));
  const first = left.get("args");
  const placed: unknown[] = Array.isArray(first) ? [...first] : [];
  if (first !== undefined && !params.some((param) => param.name === "args")) left.delete("args");
  for (const [index, param] of params.entries()) {
    const names = param.name.split("|").filter((name) => left.has(name));
    if (names.length === 0) continue;
    if (names.length > 1) throw new RpcError(RPC.INVALID_PARAMETER, `Parameter ${names[1]} specified multiple times`);
    if (placed[index] !== undefined) {
      throw new RpcError(RPC.INVALID_PARAMETER, `Parameter ${names[0]} specified twice both as positional and named argument`);
    }
    while (placed.length < index) placed.push(null);
    placed[index] = left.get(names[0]!);
    left.delete(names[0]!);
  }
  for (const name of left.keys()) throw new RpcError(RPC.INVALID_PARAMETER, `Unknown named parameter ${name}`);
  return placed;
}

function checkCount(method: RpcMethod, values: readonly unknown[]): void {
  const required = method.params.findLastIndex((param) => param.optional !== true) + 1;
  if (values.length < required || values.length > method.params.length) throw new RpcError(RPC.MISC, helpText(method));
}

const EXPECTED: Partial<Record<ParamType, string>> = {
  string: "string",
  hex: "string",
  number: "number",
  boolean: "bool",
  array: "array",
  object: "object",
};

function checkTypes(params: readonly Param[], values: readonly unknown[]): void {
  const wrong: Record<string, string> = {};
  for (const [index, param] of params.entries()) {
    const expected = EXPECTED[param.type];
    const got = jsonType(values[index]);
    if (expected === undefined || param.unchecked || got === expected || (param.optional && got === "null")) continue;
    wrong[`Position ${index + 1} (${firstName(param)})`] = `JSON value of type ${got} is not of expected type ${expected}`;
  }
  if (Object.keys(wrong).length > 0) throw new RpcError(RPC.TYPE, `Wrong type passed:\n${JSON.stringify(wrong, null, 4)}`);
}
