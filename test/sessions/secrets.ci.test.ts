/** A whole session's life at the finest level of logs: no file but the one that a secret belongs to holds it. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NodeStatus } from "../../src/core/client/index.ts";
import { CliUser, fastestEntry } from "../support/cli.ts";

test("logs, output and the registry hold neither cookie, peer token, mnemonic nor a key", async () => {
  using user = new CliUser(fastestEntry());
  const token = randomBytes(16).toString("hex");
  user.env["CHAINCORE_PEER_TOKEN"] = token;
  const said: string[] = [];
  const run = async (...args: string[]) => {
    const result = await user.run(...args);
    said.push(result.out, result.err);
    return result;
  };
  await run("session", "create", "default", "--mnemonic", "random");
  const folder = join(user.env["CHAINCORE_HOME"]!, "sessions", "default");
  const mnemonic = readFileSync(join(folder, "mnemonic"), "utf8").trim();
  const start = (id: string) =>
    user.start(["node", "--node-id", id, "--api-port", "0", "--p2p-port", "0", "--log-level", "debug", "--json"]);
  const [first, second] = [start("core0"), start("core1")];
  try {
    const ready = async ({ child, ended }: typeof first) =>
      await new Promise<NodeStatus>((resolve, reject) => {
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => {
          text += chunk.toString();
          const line = text.split("\n").find((one) => one.includes('"cookie"'));
          if (line !== undefined && text.includes("\n")) resolve(JSON.parse(line) as NodeStatus);
        });
        void ended.then((result) => reject(new Error(`it ended: ${result.out}${result.err}`)));
      });
    const nodes = await Promise.all([ready(first), ready(second)]);
    const cookies = nodes.map((node) => readFileSync(node.cookie, "utf8").trim().split(":")[1]!);
    const api = (nodes[0] as unknown as { api: string }).api;
    for (const password of [cookies[0]!, "wrong"]) {
      const authorization = `Basic ${Buffer.from(`__cookie__:${password}`).toString("base64")}`;
      await fetch(api, { method: "POST", headers: { authorization }, body: '{"method":"getblockcount"}' });
      await fetch(api, { method: "POST", headers: { authorization }, body: `{"method":"nonsense", "params":["${password}` });
    }
    await run("mine", "--blocks", "101", "--threads", "1", "--block-time", "0");
    const { accounts } = JSON.parse((await run("accounts", "--json")).out) as { accounts: { address: string }[] };
    await run("tx", "send", accounts[0]!.address, "1");
    await run("tx", "send", "nonsense", "1");
    for (const command of [["session"], ["peers"], ["locks", "stats"], ["doctor"], ["session", "logs"]]) await run(...command);
    expect((await run("session", "export", "a.session")).code).toBe(1); // Nodes run.
    await run("session", "down");
    said.push(...(await Promise.all([first.ended, second.ended])).flatMap(({ out, err }) => [out, err]));
    const logs = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      /(node\.(log|out)|\.json)$/.test(name),
    );
    const texts = [
      ...logs.map((name) => [name, readFileSync(join(folder, name), "utf8")] as const),
      ["output", said.join("")] as const,
    ];
    const lines = texts.flatMap(([, text]) => text.split("\n")).filter((line) => /^\{"level":\d\d,/.test(line));
    expect(lines.filter((line) => line.includes('"msg":"ready"')).length, "logs of both nodes").toBeGreaterThanOrEqual(2);
    for (const said of ["block-connected", "transaction-added", "answered", "called"])
      expect(
        lines.some((line) => line.includes(`"msg":"${said}"`)),
        said,
      ).toBe(true);
    const words = mnemonic.split(" ");
    const secrets = [
      ...cookies,
      token,
      mnemonic,
      words.slice(3, 6).join(" "),
      ...cookies.map((one) => Buffer.from(`__cookie__:${one}`).toString("base64")),
    ];
    const found = texts.flatMap(([name, text]) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => `${name}: ${secret}`),
    );
    expect(found).toEqual([]);
    // WIF of regtest: 51 or 52 characters that begin with 9 or c, with a checksum; extended keys: tprv, vprv.
    expect(
      texts.flatMap(([name, text]) =>
        /\b(9[1-9A-HJ-NP-Za-km-z]{50}|c[1-9A-HJ-NP-Za-km-z]{51}|[tvx]prv\w{20,})\b/.test(text) ? [name] : [],
      ),
    ).toEqual([]);
    console.info(`${logs.length} files, ${lines.length} lines of logs`);
    // The search finds what it looks for where that belongs.
    writeFileSync(join(user.folder, "probe"), mnemonic);
    expect(spawnSync("grep", ["-rl", mnemonic, folder]).stdout.toString()).toContain("mnemonic");
  } finally {
    first.child.kill("SIGKILL");
    second.child.kill("SIGKILL");
  }
}, 120_000);
