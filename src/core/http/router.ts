import type { Exchange } from "./exchange.ts";

export type Handler = (exchange: Exchange) => void | Promise<void>;

export type Route =
  | { readonly kind: "found"; readonly handler: Handler; readonly parameter: string }
  | { readonly kind: "other-method"; readonly allowed: readonly string[] }
  | { readonly kind: "unknown" };

/** Which handler answers which method and path. A pattern is a path, or a path whose last part is `:name`: any one part. */
export class Router {
  readonly #exact = new Map<string, Map<string, Handler>>();
  readonly #open = new Map<string, Map<string, Handler>>();

  on(method: string, pattern: string, handler: Handler): this {
    const open = /^(.*\/):[a-z-]+$/.exec(pattern);
    const table = open === null ? this.#exact : this.#open;
    const path = open?.[1] ?? pattern;
    const methods = table.get(path) ?? new Map<string, Handler>();
    table.set(path, methods.set(method, handler));
    return this;
  }

  /** Takes over every route of `other`; its own win nothing over them: a route defined twice is the later one. */
  include(other: Router): this {
    for (const [path, methods] of other.#exact) for (const [method, handler] of methods) this.on(method, path, handler);
    for (const [path, methods] of other.#open) for (const [method, handler] of methods) this.on(method, `${path}:part`, handler);
    return this;
  }

  find(method: string, path: string): Route {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return choose(exact, method, "");
    const cut = path.lastIndexOf("/") + 1;
    const open = cut < path.length ? this.#open.get(path.slice(0, cut)) : undefined;
    return open === undefined ? { kind: "unknown" } : choose(open, method, path.slice(cut));
  }
}

function choose(methods: ReadonlyMap<string, Handler>, method: string, parameter: string): Route {
  const handler = methods.get(method) ?? (method === "HEAD" ? methods.get("GET") : undefined);
  return handler === undefined ? { kind: "other-method", allowed: [...methods.keys()] } : { kind: "found", handler, parameter };
}
