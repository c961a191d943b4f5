// Compiles the optional native mining kernel with the node-gyp that npm brings: npm run build:native. Needs a C compiler, make and Python.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../src/core/mining/native");
const runtime = resolve(dirname(process.execPath), "..");
// The headers of this very Node, where it has them; else node-gyp downloads some.
const headers = existsSync(resolve(runtime, "include/node/node_api.h")) ? [`--nodedir=${runtime}`] : [];
const { status, error } = spawnSync("node-gyp", ["rebuild", `--directory=${source}`, ...headers], { stdio: "inherit" });
if (error) console.error(`node-gyp did not start (${error.message}): run this as "npm run build:native".`);
process.exitCode = status ?? 1;
