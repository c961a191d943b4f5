/*
 * The house rules that a program can check, each a function from sources to complaints. tidy.test.ts runs them over the
 * repository, and over small broken houses to show that each of them can go red.
 */
import { basename, dirname, join } from "node:path/posix";
import { parseAst } from "vitest/node";

/** What a row holds may import the rows before it, and itself; folders of one row do not know each other. */
const ROWS: readonly (readonly string[])[] = [
  ["ports", "errors", "turns"],
  ["encoding", "locks", "files"],
  ["primitives", "http"],
  ["script"],
  ["consensus", "store"],
  ["coins"],
  ["verify"],
  ["chain"],
  ["mempool"],
  ["mining", "wallet", "client"],
  ["peers", "stratum", "sessions", "api"],
  ["node"],
  ["bench", "testing"],
  ["index"],
];
const PURE_FOLDERS = ["encoding", "primitives", "script", "consensus"];
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const COMMAND_LINES_MAX = 60;
/** Files that only pass on what others export. */
const DOORS = ["src/core/index.ts", "src/core/client/index.ts", "src/core/testing.ts"];
const DOORS_OF_COMMANDS = ["src/core/index.ts", "src/core/client/index.ts"];
const ONLY_FOR_THE_COMMAND_LINE = ["@oclif/core", "chalk", "listr2"];

/** Names that a rule of words would refuse, and why they stand. */
const NAMES_ALLOWED: ReadonlyMap<string, string> = new Map([
  ["process-identity", "an operating system's process, not a verb"],
  ["Handler", "what every HTTP router calls the function behind a route"],
  ["processStartTime", "an operating system's process, not a verb"],
]);

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

interface ImportEdge {
  /** As written. */
  readonly specifier: string;
  /** Path in the repository; undefined for packages. */
  readonly target: string | undefined;
  readonly typeOnly: boolean;
  readonly reExport: boolean;
  /** Exported names that are taken, where they are listed. */
  readonly names: readonly string[];
}

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly nodes: readonly SyntaxNode[];
  readonly imports: readonly ImportEdge[];
}

export function readSource(path: string, text: string): Source {
  const program = parseAst(text, { lang: "ts", astType: "ts" } as never, path) as unknown as SyntaxNode;
  const nodes = [...nodesOf(program)];
  return { path, text, nodes, imports: nodes.flatMap((node) => importOf(node, path)) };
}

function* nodesOf(value: unknown): Generator<SyntaxNode> {
  if (value === null || typeof value !== "object") return;
  if (typeof (value as SyntaxNode).type === "string") yield value as SyntaxNode;
  for (const child of Object.values(value)) yield* nodesOf(child);
}

function importOf(node: SyntaxNode, path: string): ImportEdge[] {
  const source = (node["source"] ??
    (isWorkerUrl(node) ? (node["arguments"] as SyntaxNode[])[0] : undefined)) as SyntaxNode | null;
  const specifier = source?.["value"];
  if (typeof specifier !== "string") return [];
  const specifiers = (node["specifiers"] ?? []) as SyntaxNode[];
  const everyNameIsType =
    specifiers.length > 0 && specifiers.every((one) => one["importKind"] === "type" || one["exportKind"] === "type");
  return [
    {
      specifier,
      target: specifier.startsWith(".") ? join(dirname(path), specifier) : undefined,
      typeOnly: node["importKind"] === "type" || node["exportKind"] === "type" || everyNameIsType,
      reExport: node.type.startsWith("Export"),
      names: specifiers.map((one) => String((one["imported"] as SyntaxNode | undefined)?.["name"] ?? "")),
    },
  ];
}

/** `new URL("./worker.ts", import.meta.url)` starts that file on another thread: an import like any other. */
function isWorkerUrl(node: SyntaxNode): boolean {
  if (node.type !== "NewExpression" || (node["callee"] as SyntaxNode)["name"] !== "URL") return false;
  const first = (node["arguments"] as SyntaxNode[])[0];
  return typeof first?.["value"] === "string" && /^\..*\.ts$/.test(first["value"]);
}

/** The part of src/core that a file belongs to: a folder, or a file that stands directly in it. */
function partOf(path: string): string | undefined {
  return /^src\/core\/([^/]+?)(?:\.ts|\/.*)$/.exec(path)?.[1];
}

function rowOf(part: string): number {
  return ROWS.findIndex((row) => row.includes(part));
}

const isType = (type: string) => (node: SyntaxNode) => node.type === type;
const lineOf = (source: Source, node: SyntaxNode) => source.text.slice(0, node.start).split("\n").length;

export function importsAgainstTheRows(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const part = partOf(source.path);
    if (part === undefined) return [];
    if (rowOf(part) < 0) return [`${source.path}: ${part} stands in no row of design`];
    return source.imports.flatMap(({ target, specifier }) => {
      if (target === undefined)
        return ONLY_FOR_THE_COMMAND_LINE.includes(specifier) ? [`${source.path}: the core imports ${specifier}`] : [];
      const other = partOf(target);
      if (other === undefined) return [`${source.path}: the core imports ${target}`];
      if (other === part || (rowOf(other) >= 0 && rowOf(other) < rowOf(part))) return [];
      return [`${source.path} (row ${rowOf(part)}) imports ${target} (row ${rowOf(other)})`];
    });
  });
}

/** Each circle once, as the path around it. Types count: a circle of types is a circle in the reader's head. */
export function importCircles(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const circles: string[] = [];
  const visit = (path: string): void => {
    if (state.get(path) === "done" || !byPath.has(path)) return;
    if (state.get(path) === "open") {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    state.set(path, "open");
    trail.push(path);
    for (const { target } of byPath.get(path)!.imports) if (target !== undefined) visit(target);
    trail.pop();
    state.set(path, "done");
  };
  for (const source of sources) visit(source.path);
  return circles;
}

export function filesTooLong(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split("\n").length;
    const most = path.startsWith("src/commands/") ? COMMAND_LINES_MAX : FILE_LINES_MAX;
    return lines > most ? [`${path}: ${lines} lines, at most ${most}`] : [];
  });
}

export function functionsTooLong(sources: readonly Source[]): string[] {
  const functions = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
  return sources.flatMap((source) =>
    source.nodes
      .filter((node) => functions.test(node.type))
      .flatMap((node) => {
        const lines = source.text.slice(node.start, node.end).split("\n").length;
        return lines > FUNCTION_LINES_MAX ? [`${source.path}:${lineOf(source, node)}: a function of ${lines} lines`] : [];
      }),
  );
}

const IMPURE_MODULES =
  /^node:(fs|fs\/promises|timers|timers\/promises|perf_hooks|child_process|worker_threads|net|http|https|os|process|sqlite|dns)$/;
const IMPURE_NAMES = new Set([
  "Date",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "fetch",
  "process",
]);
const IMPURE_CRYPTO = /^(random.*|getRandomValues|webcrypto)$/;

/** No clock, randomness, disk or await where the rules of the chain are computed. */
export function impurities(sources: readonly Source[]): string[] {
  return sources
    .filter((source) => PURE_FOLDERS.includes(partOf(source.path) ?? ""))
    .flatMap((source) => {
      const modules = source.imports.flatMap(({ specifier, names }) => {
        if (IMPURE_MODULES.test(specifier)) return [specifier];
        return specifier === "node:crypto" ? names.filter((name) => IMPURE_CRYPTO.test(name)) : [];
      });
      const uses = source.nodes.flatMap((node) => {
        const what = impurityOf(node);
        return what === undefined ? [] : [`${what} in line ${lineOf(source, node)}`];
      });
      return [...modules, ...uses].map((what) => `${source.path}: ${what}`);
    });
}

function impurityOf(node: SyntaxNode): string | undefined {
  if (node.type === "AwaitExpression" || node["await"] === true) return "await";
  if (node["async"] === true) return "async";
  if (node.type === "MemberExpression") {
    const object = (node["object"] as SyntaxNode)["name"];
    const property = (node["property"] as SyntaxNode)["name"];
    if (object === "Math" && property === "random") return "Math.random";
    if (object === "crypto" && IMPURE_CRYPTO.test(String(property))) return `crypto.${String(property)}`;
    return typeof object === "string" && IMPURE_NAMES.has(object) ? object : undefined;
  }
  if (node.type !== "NewExpression" && node.type !== "CallExpression") return undefined;
  const callee = (node["callee"] as SyntaxNode)["name"];
  return typeof callee === "string" && IMPURE_NAMES.has(callee) ? callee : undefined;
}

/** A command parses flags, makes one call through a door of the core, and prints. Types are free. */
export function commandsPastTheDoors(sources: readonly Source[]): string[] {
  return sources
    .filter((source) => source.path.startsWith("src/commands/"))
    .flatMap((source) =>
      source.imports
        .filter(({ target, typeOnly }) => target?.startsWith("src/core/") && !typeOnly && !DOORS_OF_COMMANDS.includes(target))
        .map(({ target }) => `${source.path} imports ${target}`),
    );
}

export function barrels(sources: readonly Source[]): string[] {
  return sources
    .filter((source) => !DOORS.includes(source.path) && source.imports.some(({ reExport }) => reExport))
    .map((source) => `${source.path} passes on what another file exports`);
}

export function bannedNames(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    [basename(source.path, ".ts"), ...exportedNames(source)]
      .filter((name) => isBanned(name) && !NAMES_ALLOWED.has(name))
      .map((name) => `${source.path}: the name ${name} says nothing`),
  );
}

/** `process` and `handle` as what a function does or a file is for, `data` as what a thing is; the other words anywhere. */
function isBanned(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[-_.]/);
  if (words.some((word) => /^(helpers?|utils?|utilit(y|ies)|services?)$/.test(word))) return true;
  return words.at(-1) === "data" || /^(process|handle)r?$/.test(words[0]!);
}

function exportedNames(source: Source): string[] {
  return source.nodes.filter(isType("ExportNamedDeclaration")).flatMap((node) => {
    const declaration = node["declaration"] as SyntaxNode | null;
    const declared = (declaration?.["declarations"] as SyntaxNode[] | undefined) ?? (declaration ? [declaration] : []);
    const listed = node["source"] ? [] : ((node["specifiers"] ?? []) as SyntaxNode[]);
    return [...declared.map((one) => one["id"]), ...listed.map((one) => one["exported"])].map((id) =>
      String((id as SyntaxNode | null)?.["name"]),
    );
  });
}

/** Folders of one machine or one person. */
const MACHINE_PATH = /(?<![\w.])(\/work\/|\/root\/|\/(?:home|Users)\/(?!me\b|you\b|user\b)\w+)/;

export function pathsOfMachines(files: readonly { readonly path: string; readonly text: string }[]): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) => (MACHINE_PATH.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 80)}`] : [])),
  );
}
