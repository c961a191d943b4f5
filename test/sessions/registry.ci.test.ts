import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSession } from "../../src/core/sessions/manage.ts";

const manage = JSON.stringify(new URL("../../src/core/sessions/manage.ts", import.meta.url).href);

test("16 processes x 50 registrations: 800 of 800, each with an account of its own, in one session folder", async () => {
  const home = await mkdtemp(join(tmpdir(), "chaincore-crowd-"));
  try {
    const script = (n: number) => `
      const { openSession } = await import(${manage});
      const { registry } = await openSession({ home: ${JSON.stringify(home)}, session: "crowd" });
      const place = { api_port: 1, p2p_port: 2, socket: "", cookie: "", api_url: null, p2p_url: null };
      for (let k = 0; k < 50; k++) await registry.register({ node_id: "n${n}-" + k, ...place });`;
    const children = Array.from({ length: 16 }, (_, n) =>
      spawn(process.execPath, ["--input-type=module", "-e", script(n)], { stdio: "inherit" }),
    );
    const codes = await Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))));
    expect(codes).toEqual(Array(16).fill(0));
    const { nodes, revision } = await (await openSession({ home, session: "crowd" })).metadata();
    expect(new Set(nodes.map((node) => node.node_id)).size).toBe(800);
    expect(new Set(nodes.map((node) => node.account)).size).toBe(800);
    expect(revision).toBe(801);
    expect(await readdir(join(home, "sessions"))).toEqual(["crowd"]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
