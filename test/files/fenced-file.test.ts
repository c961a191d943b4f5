import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FencedFile } from "../../src/core/files/fenced-file.ts";
import { holdAt, release } from "../../src/core/files/lock-folder.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-fence-"));
  path = join(folder, "list.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const module = JSON.stringify(new URL("../../src/core/files/fenced-file.ts", import.meta.url).href);

/** A process that adds words to the list; `before` is code that runs first, for accidents. */
function writer(words: readonly string[], before = ""): ChildProcess {
  const script = `
    import fs from "node:fs";
    ${before}
    const { FencedFile } = await import(${module});
    const file = new FencedFile(${JSON.stringify(path)});
    for (const word of ${JSON.stringify(words)}) {
      await file.update((text) => JSON.stringify([...JSON.parse(text ?? "[]"), word]));
      process.stdout.write(word + "\\n");
    }`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
}

const exit = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve));
const list = async () => JSON.parse(await readFile(path, "utf8")) as string[];
const add = (word: string) =>
  new FencedFile(path).update((text) => JSON.stringify([...(JSON.parse(text ?? "[]") as string[]), word]), { timeoutMs: 20_000 });

async function stopped(child: ChildProcess): Promise<void> {
  for (;;) {
    const state = (await readFile(`/proc/${child.pid}/stat`, "latin1")).split(") ")[1]?.[0];
    if (state === "T") return;
    await new Promise(setImmediate);
  }
}

/** As a waiter does when it has seen no sign of the holder for the stale time. */
const rob = () => release({ path, token: holdAt(path)!.token });

test("six processes lose none of 60 changes and leave no temporary file", async () => {
  const children = Array.from({ length: 6 }, (_, n) => writer(Array.from({ length: 10 }, (_, k) => `${n}-${k}`)));
  expect(await Promise.all(children.map(exit))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(new Set(await list()).size).toBe(60);
  expect((await readdir(folder)).sort()).toEqual(["list.json", "list.json.claim"]);
});

// Each function is one that a writer calls on its way, so SIGSTOP hits it there: in the claim, before and after its
// temporary file is made, before its fsync, and between its last look and its rename.
const moments = ["readFileSync", "open", "write", "fsync", "rename"] as const;

test.skipIf(process.platform !== "linux").each(moments)(
  "a holder suspended past the stale time before its %s overwrites nothing newer when it goes on",
  async (moment) => {
    await add("old");
    const suspend = `
      const real = fs.${moment};
      let once = true;
      fs.${moment} = function (...args) {
        if (once && (String(args[0]).includes("list.json") || typeof args[0] === "number")) {
          once = false;
          process.kill(process.pid, "SIGSTOP");
        }
        return real.apply(this, args);
      };
      (await import("node:module")).syncBuiltinESMExports();`;
    const late = writer(["late"], suspend);
    await stopped(late);
    rob();
    await add("new");
    late.kill("SIGCONT");
    expect(await exit(late)).toBe(0);
    expect(await list()).toEqual(["old", "new", "late"]);
    expect((await readdir(folder)).sort()).toEqual(["list.json", "list.json.claim"]);
  },
);

test("writers that are killed at random leave whole files, and every acknowledged change", async () => {
  const seed = Date.now() % 1_000_000;
  console.info(`seed ${seed}`);
  let random = seed;
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round++) {
    const child = writer(Array.from({ length: 1_000 }, (_, k) => `${round}-${k}`));
    let out = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    await new Promise((resolve) => setTimeout(resolve, random % 40)); // The moment of the kill is what varies.
    child.kill("SIGKILL");
    await exit(child);
    acknowledged.push(...out.split("\n").slice(0, -1));
  }
  await add("last");
  const found = new Set(await list());
  expect(acknowledged.filter((word) => !found.has(word))).toEqual([]);
  expect((await readdir(folder)).sort()).toEqual(["list.json", "list.json.claim"]);
});

test("a change that has nothing to write leaves the file alone", async () => {
  await add("one");
  await new FencedFile(path).update(() => undefined);
  expect(await list()).toEqual(["one"]);
});
