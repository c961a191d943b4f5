import { expect, test } from "vitest";
import { JsonRpc } from "../../src/core/api/json-rpc.ts";
import type { Param } from "../../src/core/api/rpc/method.ts";
import { optional, param } from "../../src/core/api/rpc/params.ts";
import { RPC, RpcError } from "../../src/core/api/rpc/rpc-error.ts";
import { RpcTable } from "../../src/core/api/rpc/rpc-table.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { Log } from "../../src/core/ports.ts";

const errors: object[] = [];
const log: Log = { debug() {}, info() {}, warn() {}, error: (fields) => errors.push(fields) };
const method = (name: string, params: readonly Param[], run: (values: readonly unknown[]) => unknown) => ({
  name,
  group: "Control" as const,
  about: `Does ${name}.`,
  params,
  run: (args: { values: readonly unknown[] }) => run(args.values),
});
const pair = [param("first", "number", "one"), optional("second|two", "string", "two")];
const table = new RpcTable().add([
  method("echo", pair, (values) => values),
  method("nothing", [], () => undefined),
  method("fail", [], () => {
    throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "no such thing");
  }),
  method("break", [], () => {
    throw new Error("a secret path");
  }),
]);
const rpc = new JsonRpc({ table, locks: new LockManager(), log });

async function ask(body: unknown): Promise<[number, unknown]> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await rpc.answer(Buffer.from(text), new AbortController());
  return [answer.status, answer.body === "" ? undefined : JSON.parse(answer.body)];
}

test("version 1 answers with result, error and id", async () => {
  expect(await ask({ id: "a", method: "echo", params: [1] })).toEqual([200, { result: [1], error: null, id: "a" }]);
  expect(await ask({ jsonrpc: "1.0", id: 1, method: "nothing" })).toEqual([200, { result: null, error: null, id: 1 }]);
  expect(await ask({ method: "nothing" })).toEqual([200, { result: null, error: null }]);
});

test("version 1 tells errors by status: 404, 400, else 500", async () => {
  const error = (code: number, message: string) => ({ result: null, error: { code, message }, id: 1 });
  expect(await ask({ id: 1, method: "nosuch" })).toEqual([404, error(-32601, "Method not found")]);
  expect(await ask({ id: 1 })).toEqual([400, error(-32600, "Missing method")]);
  expect(await ask({ id: 1, method: "fail" })).toEqual([500, error(-5, "no such thing")]);
});

test("version 2 answers with status 200 and one of result and error", async () => {
  const ok = { jsonrpc: "2.0", result: null, id: 1 };
  expect(await ask({ jsonrpc: "2.0", id: 1, method: "nothing" })).toEqual([200, ok]);
  expect(await ask({ jsonrpc: "2.0", id: null, method: "nothing" })).toEqual([200, { ...ok, id: null }]);
  const failed = { jsonrpc: "2.0", error: { code: -32601, message: "Method not found" }, id: 1 };
  expect(await ask({ jsonrpc: "2.0", id: 1, method: "nosuch" })).toEqual([200, failed]);
});

test("a notification of version 2 is carried out and not answered", async () => {
  let calls = 0;
  table.add([method("count", [], () => calls++)]);
  expect(await ask({ jsonrpc: "2.0", method: "count" })).toEqual([204, undefined]);
  expect(await ask([{ jsonrpc: "2.0", method: "count" }])).toEqual([204, undefined]);
  expect(calls).toBe(2);
});

test("a batch answers each element by its own version, in order", async () => {
  const batch = [
    { id: 1, method: "echo", params: [1] },
    7,
    { jsonrpc: "2.0", id: 2, method: "fail" },
    { jsonrpc: "2.0", method: "fail" },
  ];
  expect(await ask(batch)).toEqual([
    200,
    [
      { result: [1], error: null, id: 1 },
      { result: null, error: { code: -32600, message: "Invalid Request object" }, id: null },
      { jsonrpc: "2.0", error: { code: -5, message: "no such thing" }, id: 2 },
    ],
  ]);
  expect(await ask([])).toEqual([200, []]);
});

test.each(["", "hello", '{"id":1', '{"id":1} x'])("text that is no JSON answers a parse error: %j", async (body) => {
  expect(await ask(body)).toEqual([500, { result: null, error: { code: -32700, message: "Parse error" }, id: null }]);
});

test("named parameters find their places, also by their old names and behind args", async () => {
  const result = async (params: unknown) => ((await ask({ id: 1, method: "echo", params }))[1] as { result: unknown }).result;
  expect(await result({ first: 1 })).toEqual([1]);
  expect(await result({ two: "x", first: 1 })).toEqual([1, "x"]);
  expect(await result({ args: [1], second: "x" })).toEqual([1, "x"]);
});

test("named parameters that are unknown or given twice are refused", async () => {
  const message = async (params: unknown) => ((await ask({ id: 1, method: "echo", params }))[1] as { error: unknown }).error;
  expect(await message({ frist: 1 })).toEqual({ code: -8, message: "Unknown named parameter frist" });
  expect(await message({ first: 1, two: "x", second: "y" })).toEqual({
    code: -8,
    message: "Parameter two specified multiple times",
  });
  const twice = "Parameter first specified twice both as positional and named argument";
  expect(await message({ args: [1], first: 1 })).toEqual({ code: -8, message: twice });
});

test("too few and too many arguments answer with the help text", async () => {
  const help = /^echo first \( "second" \)\n\nDoes echo\.\n\nArguments:\n1\. first {4,}\(numeric, required\) one\n/;
  for (const params of [[], [1, "x", 2]]) {
    const [status, answer] = await ask({ id: 1, method: "echo", params });
    expect(status).toBe(500);
    expect(answer).toMatchObject({ error: { code: -1, message: expect.stringMatching(help) } });
  }
});

test("a wrong type names position, name and types", async () => {
  const [, answer] = await ask({ id: 1, method: "echo", params: ["x", 5] });
  const first = '    "Position 1 (first)": "JSON value of type string is not of expected type number"';
  const second = '    "Position 2 (second)": "JSON value of type number is not of expected type string"';
  expect(answer).toMatchObject({ error: { code: -3, message: `Wrong type passed:\n{\n${first},\n${second}\n}` } });
});

test("a call that breaks tells the log why, and the caller nothing", async () => {
  const [status, answer] = await ask({ id: 1, method: "break" });
  expect([status, JSON.stringify(answer).includes("secret"), errors.length]).toEqual([500, false, 1]);
});

test("during warm-up every call answers -28", async () => {
  table.warmup = "Loading block index…";
  const [, answer] = await ask({ id: 1, method: "nothing" });
  table.warmup = undefined;
  expect(answer).toMatchObject({ error: { code: -28, message: "Loading block index…" } });
});
