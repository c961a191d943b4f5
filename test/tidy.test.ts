import { globSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { expect, test } from "vitest";
import {
  bannedNames,
  barrels,
  commandsPastTheDoors,
  filesTooLong,
  functionsTooLong,
  importCircles,
  importsAgainstTheRows,
  impurities,
  pathsOfMachines,
  readSource,
  type Source,
} from "./support/tidy-rules.ts";

const root = new URL("..", import.meta.url).pathname;
const files = (pattern: string) =>
  globSync(`${root}${pattern}`).map((file) => ({
    path: relative(root, file).replaceAll("\\", "/"),
    text: readFileSync(file, "utf8"),
  }));
const sources = files("src/**/*.ts").map(({ path, text }) => readSource(path, text));

/** A house of made-up files; lines of code are repeated where a rule counts them. */
const house = (texts: Record<string, string>): Source[] => Object.entries(texts).map(([path, text]) => readSource(path, text));

test("a folder of the core imports only the rows above its own", () => {
  expect(importsAgainstTheRows(sources)).toEqual([]);
  expect(
    importsAgainstTheRows(
      house({
        "src/core/store/a.ts": 'import { x } from "../chain/chain.ts";',
        "src/core/store/b.ts": 'import type { x } from "../consensus/params.ts";',
        "src/core/store/c.ts": 'await import("../../ui/table.ts"); new Worker(new URL("../node/worker.ts", import.meta.url));',
        "src/core/store/d.ts": 'import { x } from "../errors.ts"; import { y } from "./a.ts"; import { z } from "../coins.ts";',
        "src/core/stuff/e.ts": "",
        "src/core/api/f.ts":
          'import chalk from "chalk"; import { s } from "../sessions/session.ts"; import { c } from "../chain/chain.ts";',
      }),
    ),
  ).toEqual([
    "src/core/store/a.ts (row 4) imports src/core/chain/chain.ts (row 7)",
    "src/core/store/b.ts (row 4) imports src/core/consensus/params.ts (row 4)",
    "src/core/store/c.ts: the core imports src/ui/table.ts",
    "src/core/store/c.ts (row 4) imports src/core/node/worker.ts (row 11)",
    "src/core/store/d.ts (row 4) imports src/core/coins.ts (row 5)",
    "src/core/stuff/e.ts: stuff stands in no row of design",
    "src/core/api/f.ts: the core imports chalk",
    "src/core/api/f.ts (row 10) imports src/core/sessions/session.ts (row 10)",
  ]);
});

test("no file imports itself by a way around", () => {
  expect(importCircles(sources)).toEqual([]);
  expect(
    importCircles(
      house({
        "src/a.ts": 'import "./b.ts"; import "./d.ts";',
        "src/b.ts": 'import type { C } from "./c.ts";',
        "src/c.ts": 'export { a } from "./a.ts";',
        "src/d.ts": 'import "./c.ts";',
      }),
    ),
  ).toEqual(["src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts"]);
});

test("files have at most 400 lines, commands 60", () => {
  expect(filesTooLong(sources)).toEqual([]);
  expect(
    filesTooLong(
      house({ "src/core/a.ts": "a;\n".repeat(400), "src/core/b.ts": "b;\n".repeat(401), "src/commands/c.ts": "c;\n".repeat(61) }),
    ),
  ).toEqual(["src/core/b.ts: 401 lines, at most 400", "src/commands/c.ts: 61 lines, at most 60"]);
});

test("functions have at most 70 lines", () => {
  expect(functionsTooLong(sources)).toEqual([]);
  const body = (lines: number) => `{\n${"a();\n".repeat(lines - 2)}}`;
  expect(
    functionsTooLong(
      house({
        "src/a.ts": `function f() ${body(70)}\nfunction g() ${body(71)}`,
        "src/b.ts": `class C { m() ${body(71)} }`,
        "src/c.ts": `\nconst h = async () => ${body(80)};`,
      }),
    ),
  ).toEqual(["src/a.ts:71: a function of 71 lines", "src/b.ts:1: a function of 71 lines", "src/c.ts:2: a function of 80 lines"]);
});

test("encoding, primitives, script and consensus know no clock, randomness, disk or await", () => {
  expect(impurities(sources)).toEqual([]);
  expect(
    impurities(
      house({
        "src/core/encoding/a.ts":
          'import { readFile } from "node:fs/promises"; import { createHash, randomBytes } from "node:crypto";',
        "src/core/primitives/b.ts":
          "export const t = [Date.now(), new Date(), performance.now(), Math.random(), Math.max(1, 2)];",
        "src/core/script/c.ts": "export async function f() { await g(); }",
        "src/core/consensus/d.ts": "setTimeout(() => {}, 1); crypto.getRandomValues(x); export const dateOfBlock = block.Date;",
        "src/core/chain/e.ts": "await Date.now();",
      }),
    ),
  ).toEqual([
    "src/core/encoding/a.ts: node:fs/promises",
    "src/core/encoding/a.ts: randomBytes",
    "src/core/primitives/b.ts: Date in line 1",
    "src/core/primitives/b.ts: Date in line 1",
    "src/core/primitives/b.ts: performance in line 1",
    "src/core/primitives/b.ts: Math.random in line 1",
    "src/core/script/c.ts: async in line 1",
    "src/core/script/c.ts: await in line 1",
    "src/core/consensus/d.ts: setTimeout in line 1",
    "src/core/consensus/d.ts: crypto.getRandomValues in line 1",
  ]);
});

test("commands reach the core through its two doors only; types are free", () => {
  expect(commandsPastTheDoors(sources)).toEqual([]);
  expect(
    commandsPastTheDoors(
      house({
        "src/commands/mine.ts":
          'import { Miner } from "../core/mining/miner.ts"; import type { Tip } from "../core/chain/chain.ts";',
        "src/commands/node/index.ts": 'await import("../../core/index.ts"); await import("../../core/node/node.ts");',
        "src/commands/tx.ts":
          'import { type A, type B } from "../core/chain/chain.ts"; import { C } from "../core/client/index.ts";',
      }),
    ),
  ).toEqual([
    "src/commands/mine.ts imports src/core/mining/miner.ts",
    "src/commands/node/index.ts imports src/core/node/node.ts",
  ]);
});

test("only the doors pass on what other files export", () => {
  expect(barrels(sources)).toEqual([]);
  expect(
    barrels(
      house({
        "src/core/index.ts": 'export * from "./errors.ts";',
        "src/core/chain/all.ts": 'export { a } from "./a.ts";',
        "src/core/chain/types.ts": 'export type * from "./a.ts";',
        "src/core/chain/a.ts": "export const a = 1;",
      }),
    ),
  ).toEqual([
    "src/core/chain/all.ts passes on what another file exports",
    "src/core/chain/types.ts passes on what another file exports",
  ]);
});

test("names say what a thing is", () => {
  expect(bannedNames(sources)).toEqual([]);
  expect(
    bannedNames(
      house({
        "src/core/block-utils.ts": "export class BlockHelper {}",
        "src/core/a.ts":
          "export function processBlock() {} export const handleRequest = 1, blockData = 2; export type CoinService = 1;",
        "src/core/b.ts":
          "const helper = 1; export { helper }; export function unhandled() {} export const METADATA_FILE = 1, multiprocess = 2;",
      }),
    ).map((complaint) => complaint.split(" ")[3]),
  ).toEqual(["block-utils", "BlockHelper", "processBlock", "handleRequest", "blockData", "CoinService", "helper"]);
});

test("no file names a folder of somebody's machine", () => {
  const texts = ["src/**/*.{ts,md}", "test/**/*.ts", "bin/*.js", "tools/**/*.{js,json}", "*.{md,json,ts}", ".ci/*"]
    .flatMap(files)
    .filter(({ path }) => path !== "package-lock.json" && !path.startsWith("test/tidy") && !path.startsWith("test/support/tidy"));
  expect(texts.length).toBeGreaterThan(30);
  expect(pathsOfMachines(texts)).toEqual([]);
  const text = `see /${"work"}/main\nor ../work/x, /home/me/x and https://a.b/work/c\n/${"home"}/eve/x`;
  expect(pathsOfMachines([{ path: "README.md", text }]).map((complaint) => complaint.split(" ")[0])).toEqual([
    "README.md:1:",
    "README.md:3:",
  ]);
});
