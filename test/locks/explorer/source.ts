import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import * as layout from "../../../src/core/locks/layout.ts";

/*
 * Turns the lock algorithm, as it stands in src, into generators: every call of an accessor of memory.ts becomes a point where
 * the scheduler decides who goes on. Nothing else about the code changes, so what is explored is what runs.
 */

const FOLDER = new URL("../../../src/core/locks/", import.meta.url);
/** The files that touch shared words, in an order without forward references to constants. */
export const FILES = ["graph-mutex.ts", "fast-path.ts", "wait-graph.ts", "wait-queue.ts", "reap.ts"] as const;
const ACCESSORS = ["load", "store", "compareExchange", "exchange", "add", "and", "put", "settle", "notify", "waitOn"];

/** A change of the source, for mutation testing. */
export interface Mutation {
  readonly name: string;
  readonly file: (typeof FILES)[number];
  readonly from: string;
  readonly to: string;
}

export type Step = readonly [kind: string, at: number, ...rest: number[]];
// biome-ignore lint/suspicious/noExplicitAny: the code comes from text; its types were checked where it was written.
export type Procedure = (...args: any[]) => Generator<Step, any, any>;
export type Accessors = Readonly<Record<string, Procedure>>;

/** The algorithm over these accessors: its functions by name, those with shared accesses as generators. */
export function instantiate(accessors: Accessors, mutation?: Mutation): Readonly<Record<string, Procedure>> {
  const code = FILES.map((file) => readable(file, mutation)).join("\n");
  const names = [...code.matchAll(/^(?:async )?function (\w+)/gm)].map((match) => match[1]!);
  const shared = sharedFunctions(code, names);
  const body = asGenerators(code, shared);
  const constants = Object.entries(layout);
  const make = new Function(
    ...ACCESSORS,
    ...constants.map(([name]) => name),
    `"use strict";\n${body}\nreturn { ${names.join(", ")} };`,
  );
  return make(...ACCESSORS.map((name) => accessors[name]), ...constants.map(([, value]) => value));
}

function readable(file: string, mutation: Mutation | undefined): string {
  let source = readFileSync(new URL(file, FOLDER), "utf8");
  if (mutation?.file === file) {
    if (source.split(mutation.from).length !== 2) throw new Error(`mutation "${mutation.name}" does not apply exactly once`);
    source = source.replace(mutation.from, () => mutation.to);
  }
  const { code } = transformSync(source, { loader: "ts", target: "esnext" });
  return code
    .replace(/^import[\s\S]*?;\n/gm, "")
    .replace(/^export \{[\s\S]*?\};\n/gm, "")
    .replace(/^export /gm, "");
}

/** Text of each top-level function, to see what it calls. */
function bodies(code: string, names: readonly string[]): Map<string, string> {
  const starts = names
    .map((name) => ({ name, at: code.search(new RegExp(`^function ${name}\\(`, "m")) }))
    .sort((a, b) => a.at - b.at);
  return new Map(
    starts.map(({ name, at }, i) => [name, code.slice(at + `function ${name}`.length, starts[i + 1]?.at ?? code.length)]),
  );
}

/** The functions that reach an accessor, directly or through another. */
function sharedFunctions(code: string, names: readonly string[]): Set<string> {
  const texts = bodies(code, names);
  const calls = (text: string, name: string) => new RegExp(`(?<![\\w.])${name}\\(`).test(text);
  const shared = new Set<string>();
  for (let before = -1; before !== shared.size; ) {
    before = shared.size;
    for (const [name, text] of texts) {
      if ([...ACCESSORS, ...shared].some((called) => calls(text, called))) shared.add(name);
    }
  }
  return shared;
}

function asGenerators(code: string, shared: ReadonlySet<string>): string {
  const marked = code.replace(/^function (\w+)\(/gm, (whole, name: string) => (shared.has(name) ? `function* ${name}(` : whole));
  return delegate(marked, new RegExp(`(?<![\\w.*]|function\\*? )(?:${[...ACCESSORS, ...shared].join("|")})\\(`, "g"));
}

/** Wraps each such call as (yield* call). */
function delegate(code: string, call: RegExp): string {
  let out = "";
  let done = 0;
  const search = new RegExp(call);
  for (let match = search.exec(code); match !== null; match = search.exec(code)) {
    const open = match.index + match[0].length - 1;
    const close = closing(code, open);
    out += `${code.slice(done, match.index)}(yield* ${match[0]}${delegate(code.slice(open + 1, close), call)}))`;
    done = close + 1;
    search.lastIndex = done;
  }
  return out + code.slice(done);
}

function closing(code: string, open: number): number {
  for (let i = open, depth = 0; ; i++) {
    if (code[i] === "(") depth++;
    else if (code[i] === ")" && --depth === 0) return i;
  }
}
