import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FencedFile } from "../../src/core/files/fenced-file.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-fence-"));
  path = join(folder, "list.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const module = JSON.stringify(new URL("../../src/core/files/fenced-file.ts", import.meta.url).href);

/** Adds `count` words that begin with `name`, says each as soon as it is acknowledged, and its time at the end. */
function writer(name: string, count: number) {
  const script = `
    const { FencedFile } = await import(${module});
    const file = new FencedFile(${JSON.stringify(path)});
    const startedMs = performance.now();
    for (let n = 0; n < ${count}; n++) {
      await file.update((text) => JSON.stringify([...JSON.parse(text ?? "[]"), "${name}-" + n]), { timeoutMs: 60_000 });
      process.stdout.write("${name}-" + n + "\\n");
    }
    process.stdout.write("ms " + (performance.now() - startedMs) + "\\n");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  const spoke = Promise.withResolvers<void>();
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    spoke.resolve();
  });
  const ended = new Promise<string[]>((resolve) => child.once("close", () => resolve(out.split("\n").slice(0, -1))));
  return { child, ended, spoke: Promise.race([spoke.promise, ended]) };
}

test("16 processes x 50 changes: 800 of 800, and none waits for more than three times as long as another", async () => {
  const outputs = await Promise.all(Array.from({ length: 16 }, (_, n) => writer(String(n), 50).ended));
  expect(new Set(JSON.parse(await readFile(path, "utf8")) as string[]).size).toBe(800);
  const times = outputs.map((lines) => Number(lines.at(-1)!.slice(3)));
  console.info(`fastest ${Math.round(Math.min(...times))} ms, slowest ${Math.round(Math.max(...times))} ms`);
  expect(Math.max(...times) / Math.min(...times)).toBeLessThan(3); // Measured: 1.2 to 1.4.
  expect((await readdir(folder)).sort()).toEqual(["list.json", "list.json.claim"]);
});

test("100 of three writers killed at random: the file always parses, and holds every acknowledged change", async () => {
  let random = Date.now() % 1_000_000;
  console.info(`seed ${random}`);
  const draw = (below: number) => {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    return random % below;
  };
  const acknowledged: string[] = [];
  const writers = new Set(Array.from({ length: 3 }, (_, n) => writer(`first${n}`, 10_000)));
  for (let kill = 0; kill < 100; kill++) {
    const victim = [...writers][draw(writers.size)]!;
    if (kill % 2 === 1) await victim.spoke; // A busy machine needs its time before there is anything to lose.
    await new Promise((resolve) => setTimeout(resolve, 20 + draw(60))); // The moment of the kill is what varies.
    victim.child.kill("SIGKILL");
    writers.delete(victim);
    acknowledged.push(...(await victim.ended));
    JSON.parse(await readFile(path, "utf8").catch(() => "[]"));
    writers.add(writer(`kill${kill}`, 10_000));
  }
  for (const { child } of writers) child.kill("SIGKILL");
  for (const { ended } of writers) acknowledged.push(...(await ended));
  await new FencedFile(path).update((text) => text);
  const found = new Set(JSON.parse(await readFile(path, "utf8")) as string[]);
  expect(acknowledged.filter((word) => !found.has(word))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(50);
  expect((await readdir(folder)).sort()).toEqual(["list.json", "list.json.claim"]);
});
