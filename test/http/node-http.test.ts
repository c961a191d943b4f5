import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const SERVER = new URL("../../src/core/http/server.ts", import.meta.url).href;

/** Whether a fresh process has Node's own undici in memory after `script`. */
function loadsUndici(script: string): boolean {
  const look = 'process.stdout.write(String(process.moduleLoadList.some((name) => name.includes("deps/undici"))))';
  return execFileSync(process.execPath, ["--input-type=module", "-e", `${script}; ${look}`]).toString() === "true";
}

test("an HTTP server does not load what only a client of the web needs", () => {
  expect(loadsUndici(`await import(${JSON.stringify(SERVER)})`)).toBe(false);
  expect(loadsUndici('await import("node:http")')).toBe(true); // Where this is false, node-http.ts is not needed any more.
});
