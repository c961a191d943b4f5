import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processStartTime } from "../../src/core/files/process-identity.ts";
import { CliUser } from "../support/cli.ts";

let user: CliUser;
let server: Server | undefined;
beforeEach(() => {
  user = new CliUser();
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  user[Symbol.dispose]();
});

/** A node that is nothing but an admin socket and an entry in the registry. */
async function fakeNode(answer: RequestListener): Promise<void> {
  const socket = join(user.folder, "admin.sock");
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(socket, resolve));
  const folder = join(user.env["CHAINCORE_HOME"]!, "sessions", "default");
  mkdirSync(folder, { recursive: true });
  const entry = { node_id: "core0", is_active: true, pid: process.pid, pid_started: processStartTime(process.pid), socket };
  writeFileSync(join(folder, "session_metadata.json"), JSON.stringify({ schema_version: 1, revision: 1, nodes: [entry] }));
}

const json =
  (value: unknown, status = 200): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };

const accounts = {
  developmentMnemonic: true,
  accounts: [{ index: 0, address: "bcrt1qexample", spendableSats: 150_000_000, immatureSats: 0, pendingSats: -1 }],
};

test("an answer is a table on stdout, a warning stands on stderr", async () => {
  await fakeNode(json(accounts));
  const { code, out, err } = await user.run("accounts");
  expect(code).toBe(0);
  expect(out).toBe(
    ["ACCOUNT  SPENDABLE  IMMATURE      PENDING  ADDRESS", "      0       1.50      0.00  -0.00000001  bcrt1qexample", ""].join(
      "\n",
    ),
  );
  expect(err).toContain("anybody can spend");
});

test("with --json the answer is one line, as the node gave it", async () => {
  await fakeNode(json(accounts));
  const { out, err } = await user.run("accounts", "--json");
  expect({ value: JSON.parse(out) as unknown, lines: out.split("\n").length, err }).toEqual({
    value: accounts,
    lines: 2,
    err: "",
  });
});

test("what the node refuses is told in its words", async () => {
  await fakeNode(json({ error: { code: "no-such-block", message: "there is no block 7; the tip is at 3" } }, 404));
  const { code, out, err } = await user.run("chain", "block", "7");
  expect({ code, out, err }).toEqual({ code: 1, out: "", err: "chaincore: there is no block 7; the tip is at 3\n" });
});

test("an argument reaches the node as one path segment", async () => {
  let url: string | undefined;
  await fakeNode((request, response) => {
    url = request.url;
    json({ error: { code: "x", message: "x" } }, 400)(request, response);
  });
  await user.run("tx", "show", "a/b?c");
  expect(url).toBe("/v1/transactions/a%2Fb%3Fc");
});

test("sending posts satoshis and prints the txid alone on stdout", async () => {
  let body = "";
  await fakeNode((request, response) => {
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => json({ txid: "ab".repeat(32), feeSats: 141, vsize: 141 })(request, response));
  });
  const { code, out, err } = await user.run("tx", "send", "bcrt1qexample", "1.5", "--from", "2");
  expect({ code, out }).toEqual({ code: 0, out: `${"ab".repeat(32)}\n` });
  expect(JSON.parse(body)).toEqual({ to: "bcrt1qexample", amountSats: 150_000_000, from: 2 });
  expect(err).toBe("sent 1.50, fee 0.00000141 for 141 vB; it waits for a block\n");
});

test("a node that goes away in mid-answer is told apart from one that does not run", async () => {
  await fakeNode((_request, response) => {
    response.writeHead(200, { "content-length": "1000" }).write('{"half":');
    setImmediate(() => response.socket?.destroy());
  });
  const { code, err } = await user.run("mempool");
  expect(code).toBe(1);
  expect(err).toContain('node core0 of session "default" went away before it had answered');
});

test("a node id that the session does not have is refused with those that it has", async () => {
  await fakeNode(json({}));
  const { code, err } = await user.run("mempool", "--node", "core7");
  expect(code).toBe(1);
  expect(err).toBe('chaincore: session "default" has no node core7; it has: core0\n');
});
