import { readFileSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { dirname } from "node:path";

const root = dirname(import.meta.dirname);
const manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
if (process.argv.length === 3 && process.argv[2] === "--version") {
  process.stdout.write(`chaincore/${manifest.version} ${process.platform}-${process.arch} node-${process.version}\n`);
} else {
  const cache = process.env.XDG_CACHE_HOME || `${process.env.HOME || homedir()}/.cache`;
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? `${cache}/chaincore/v8`);
  const { main } = await import("../dist/main.js");
  await main({ root, manifest });
}
