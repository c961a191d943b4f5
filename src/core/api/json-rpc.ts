import { AssertionError, ChainCoreError } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import type { Log } from "../ports.ts";
import type { Locks } from "./ports.ts";
import { jsonType } from "./rpc/args.ts";
import type { Call } from "./rpc/method.ts";
import { RPC, RpcError } from "./rpc/rpc-error.ts";
import type { RpcTable } from "./rpc/rpc-table.ts";

/** What goes back over HTTP; no body means none at all (204). */
export interface RpcAnswer {
  readonly status: number;
  readonly body: string;
}

interface Request {
  readonly id: unknown;
  readonly hasId: boolean;
  /** Whether the caller speaks JSON-RPC 2.0, which has notifications and its own status codes. */
  readonly modern: boolean;
  readonly method: string;
  readonly params: unknown;
}

type Outcome = { readonly result: unknown } | { readonly error: RpcError };

/** Calls whose time is counted: how many, and how long the node was at them. */
export interface RpcObserver {
  finished(method: string, durationMs: number, ok: boolean): void;
}

/** Who waits for an answer; `signal` is aborted when it leaves. */
export interface Caller {
  readonly signal: AbortSignal;
}

export interface JsonRpcParts {
  readonly table: RpcTable;
  readonly locks: Locks;
  readonly log: Log;
  readonly observer?: RpcObserver;
  /** Ends the calls that wait for something. */
  readonly stopping?: AbortSignal;
}

/**
 * JSON-RPC as Bitcoin Core answers it: 1.0 (also called 1.1) and 2.0, alone and in batches.
 * The caller decides by `jsonrpc: "2.0"`; everybody else gets `result`, `error` and `id` always, and errors as HTTP status.
 */
export class JsonRpc {
  readonly #table: RpcTable;
  readonly #locks: Locks;
  readonly #log: Log;
  readonly #observer: RpcObserver | undefined;
  readonly #stopping: AbortSignal | undefined;

  constructor({ table, locks, log, observer, stopping }: JsonRpcParts) {
    this.#table = table;
    this.#locks = locks;
    this.#log = log;
    this.#observer = observer;
    this.#stopping = stopping;
  }

  /** Answers one HTTP body. `caller` tells calls that wait when nobody waits for them any more. */
  async answer(body: Uint8Array, caller: Caller): Promise<RpcAnswer> {
    let parsed: unknown;
    try {
      parsed = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
    } catch {
      return single(anonymous, { error: new RpcError(RPC.PARSE, "Parse error") });
    }
    if (Array.isArray(parsed)) return await this.#batch(parsed, caller);
    if (jsonType(parsed) === "object") return await this.#one(parsed as Record<string, unknown>, caller);
    return single(anonymous, { error: new RpcError(RPC.PARSE, "Top-level object parse error") });
  }

  async #one(element: Readonly<Record<string, unknown>>, caller: Caller): Promise<RpcAnswer> {
    const { request, outcome } = await this.#execute(element, caller);
    return isNotification(request) ? { status: 204, body: "" } : single(request, outcome);
  }

  /** One after the other, as their order may matter to the caller. */
  async #batch(elements: readonly unknown[], caller: Caller): Promise<RpcAnswer> {
    const texts: string[] = [];
    for (const element of elements) {
      if (jsonType(element) !== "object") {
        texts.push(replyText(anonymous, { error: new RpcError(RPC.INVALID_REQUEST, "Invalid Request object") }));
        continue;
      }
      const { request, outcome } = await this.#execute(element as Record<string, unknown>, caller);
      if (!isNotification(request)) texts.push(replyText(request, outcome));
    }
    if (texts.length === 0 && elements.length > 0) return { status: 204, body: "" };
    return { status: 200, body: `[${texts.join(",")}]\n` };
  }

  async #execute(element: Readonly<Record<string, unknown>>, caller: Caller): Promise<{ request: Request; outcome: Outcome }> {
    const request = readRequest(element);
    if (request instanceof RpcError) return { request: envelope(element), outcome: { error: request } };
    const started = performance.now();
    const outcome = await this.#call(request, caller);
    const name = this.#table.find(request.method)?.name ?? "unknown";
    const ms = performance.now() - started;
    this.#observer?.finished(name, ms, "result" in outcome);
    this.#log.debug({ rpc: name, ms, ...("error" in outcome ? { code: outcome.error.code } : {}) }, "called");
    return { request, outcome };
  }

  /** The signal is made when a call first asks for it: few wait. */
  #callOf(at: Root, caller: Caller): Call {
    const stopping = this.#stopping;
    return {
      at,
      get signal() {
        return stopping === undefined ? caller.signal : AbortSignal.any([caller.signal, stopping]);
      },
    };
  }

  async #call(request: Request, caller: Caller): Promise<Outcome> {
    try {
      // Labels outlive the call in the statistics: none of a caller's own making.
      const label = `rpc ${this.#table.find(request.method)?.name ?? "unknown"}`;
      const result = await this.#locks.task(label, (at) =>
        this.#table.call(request.method, request.params, this.#callOf(at, caller)),
      );
      return { result: result ?? null };
    } catch (error) {
      if (error instanceof RpcError) return { error };
      if (error instanceof AssertionError) throw error;
      this.#log.error({ error, method: request.method }, "a call failed");
      return { error: new RpcError(RPC.MISC, error instanceof ChainCoreError ? error.message : "the node failed; see its log") };
    }
  }
}

const anonymous: Request = { id: null, hasId: true, modern: false, method: "", params: [] };

/** Id and version alone, for the answer to a request that is none. */
function envelope(element: Readonly<Record<string, unknown>>): Request {
  return { ...anonymous, id: element["id"], hasId: Object.hasOwn(element, "id"), modern: element["jsonrpc"] === "2.0" };
}

function readRequest(element: Readonly<Record<string, unknown>>): Request | RpcError {
  const version = element["jsonrpc"];
  if (version !== undefined && version !== null) {
    if (typeof version !== "string") return new RpcError(RPC.INVALID_REQUEST, "jsonrpc field must be a string");
    if (version !== "1.0" && version !== "2.0") return new RpcError(RPC.INVALID_REQUEST, "JSON-RPC version not supported");
  }
  const method = element["method"];
  if (method === undefined || method === null) return new RpcError(RPC.INVALID_REQUEST, "Missing method");
  if (typeof method !== "string") return new RpcError(RPC.INVALID_REQUEST, "Method must be a string");
  const params = element["params"] ?? [];
  if (typeof params !== "object") return new RpcError(RPC.INVALID_REQUEST, "Params must be an array or object");
  return { ...envelope(element), method, params };
}

function isNotification(request: Request): boolean {
  return request.modern && !request.hasId;
}

function single(request: Request, outcome: Outcome): RpcAnswer {
  return { status: statusOf(request, outcome), body: `${replyText(request, outcome)}\n` };
}

function statusOf(request: Request, outcome: Outcome): number {
  if (request.modern || "result" in outcome) return 200;
  if (outcome.error.code === RPC.INVALID_REQUEST) return 400;
  return outcome.error.code === RPC.METHOD_NOT_FOUND ? 404 : 500;
}

/** Names in Bitcoin Core's order; `id` only where the request had one. */
function replyText(request: Request, outcome: Outcome): string {
  const error = "error" in outcome ? { code: outcome.error.code, message: outcome.error.message } : null;
  const id = request.hasId ? { id: request.id } : {};
  if (!request.modern)
    return JSON.stringify({ result: error === null ? (outcome as { result: unknown }).result : null, error, ...id });
  return JSON.stringify({
    jsonrpc: "2.0",
    ...(error === null ? { result: (outcome as { result: unknown }).result } : { error }),
    ...id,
  });
}
