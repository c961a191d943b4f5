import { lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listenOnSocket } from "../../src/core/api/admin-socket.ts";
import { Router } from "../../src/core/http/router.ts";
import { HttpServer } from "../../src/core/http/server.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const servers: HttpServer[] = [];
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-socket-"));
  path = join(folder, "node", "admin.sock");
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
  await rm(folder, { recursive: true, force: true });
});

async function listen(): Promise<HttpServer> {
  const server = new HttpServer({ checkBrowser: false }, { router: new Router(), log });
  servers.push(server);
  await listenOnSocket(server, path);
  return server;
}

test("only its owner may connect to the socket, whatever mode the folder had", async () => {
  await mkdir(join(folder, "node"), { mode: 0o755 });
  await listen();
  expect(((await lstat(path)).mode & 0o777).toString(8)).toBe("600");
  expect(((await lstat(join(folder, "node"))).mode & 0o777).toString(8)).toBe("700");
});

test("where somebody answers already, a second one is refused with the way out", async () => {
  await listen();
  await expect(listen()).rejects.toMatchObject({ code: "node-running", message: expect.stringContaining("chaincore node stop") });
});

test("the socket of a server that was closed is free again", async () => {
  await (await listen()).close(0);
  await listen();
});

test("a file that is no socket is left where it is", async () => {
  await mkdir(join(folder, "node"));
  await writeFile(path, "precious");
  await expect(listen()).rejects.toMatchObject({ code: "bad-environment" });
  expect((await lstat(path)).isFile()).toBe(true);
});
