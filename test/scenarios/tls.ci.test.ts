import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CliUser, fastestEntry } from "../support/cli.ts";
import { CertificateFiles } from "../support/self-signed.ts";
import { Network, NodeProcess, until } from "./network.ts";

/** A node with a home of its own, as one on another machine has it. */
async function alone(stack: AsyncDisposableStack, flags: readonly string[], home?: string): Promise<NodeProcess> {
  const folder = home ?? (await homeIn(stack));
  return stack.adopt(await NodeProcess.start(folder, "core0", flags), (node) => node.kill());
}

async function homeIn(stack: AsyncDisposableStack): Promise<string> {
  return stack.adopt(await mkdtemp(join(tmpdir(), "tls-")), (home) => rm(home, { recursive: true, force: true }));
}

const portOf = ({ ready }: NodeProcess) => new URL(ready.p2p).port;
const sameTip = async (a: NodeProcess, b: NodeProcess) => (await a.tip()) === (await b.tip());

test("two nodes that know nothing of each other but a URL with a pin have one tip, whoever mines, also after a restart", async () => {
  await using stack = new AsyncDisposableStack();
  await using files = await CertificateFiles.write();
  const here = await alone(stack, files.flags);
  expect(here.ready.p2p).toBe(`https://127.0.0.1:${portOf(here)}#sha256=${files.pin}`);
  await here.mine(30);
  const home = await homeIn(stack);
  const there = await alone(stack, ["--connect", here.ready.p2p], home);
  await until("it has all", () => sameTip(here, there));
  await there.mine(1); // Told over the dialler's requests; what comes the other way comes down its stream.
  await until("both have it", () => sameTip(here, there));
  await here.mine(1);
  await until("both have it", () => sameTip(here, there));
  expect((await there.peers()).peers).toMatchObject([{ url: here.ready.p2p, direction: "outbound" }]);
  expect((await here.peers()).peers).toMatchObject([{ direction: "inbound", node: "core0" }]);
  await there.kill("SIGTERM");
  await here.mine(1);
  const again = await alone(stack, [], home); // The pin is in peers.json.
  await until("it has come back", () => sameTip(here, again));
});

test("whoever takes the place with another certificate is not spoken with, and the right one is linked when it is back", async () => {
  await using stack = new AsyncDisposableStack();
  await using files = await CertificateFiles.write();
  await using others = await CertificateFiles.write();
  const home = await homeIn(stack);
  const right = await alone(stack, files.flags, home);
  const dialler = await alone(stack, ["--connect", right.ready.p2p]);
  const links = async () => (await dialler.peers()).peers.length;
  await until("linked", async () => (await links()) === 1);
  const port = portOf(right);
  await right.kill();
  const wrong = await alone(stack, [...others.flags, "--p2p-port", port]);
  await wrong.mine(5);
  const why = async () => (await dialler.peers()).missing.map(({ lastError }) => lastError).join();
  await until("it is seen", async () => (await why()).includes(`another certificate, sha256=${others.pin}`));
  expect([await dialler.height(), await links(), (await wrong.peers()).peers]).toEqual([0, 0, []]);
  await wrong.kill();
  await alone(stack, [...files.flags, "--p2p-port", port], home);
  await until("linked again", async () => (await links()) === 1);
});

test("nodes of one session whose ports speak TLS find each other by the registry, and no pin is typed", async () => {
  await using files = await CertificateFiles.write();
  await using network = await Network.start(3, files.flags);
  await network.nodes[0]!.mine(3);
  await network.untilLinked(2);
  await network.untilAgreed();
  for (const node of network.nodes)
    for (const { url } of (await node.peers()).peers)
      expect(url).toMatch(new RegExp(`^https://127.0.0.1:\\d+#sha256=${files.pin}$`));
});

describe("the command line", () => {
  test("tells in one sentence what is wrong with the files, before anything is made", async () => {
    using user = new CliUser(fastestEntry());
    await using files = await CertificateFiles.write();
    await using others = await CertificateFiles.write();
    const node = (...flags: string[]) => user.run("node", "--api-port", "0", ...flags);
    expect(await node("--p2p-tls-cert", files.certFile)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/belong together.*\n$/),
    });
    expect(await node("--p2p-tls-cert", "nowhere.pem", "--p2p-tls-key", files.keyFile)).toMatchObject({
      code: 78,
      err: expect.stringMatching(/^.*cannot read the certificate nowhere.pem: there is no such file\n$/),
    });
    const mixed = await user.run("mine", "--p2p-tls-cert", files.certFile, "--p2p-tls-key", others.keyFile);
    expect(mixed).toMatchObject({ code: 78, err: expect.stringContaining("does not belong to the certificate") });
    expect(await node("--p2p-host", "0.0.0.0", ...files.flags)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--peer-token"),
    });
  });

  test("takes an expired certificate with a warning, prints the pin, and mine hosts such a node too", async () => {
    using user = new CliUser(fastestEntry());
    await using old = await CertificateFiles.write({ from: new Date(0), until: new Date(86_400_000) });
    const { out, err, code } = await user.run("mine", "--blocks", "1", ...old.flags);
    expect([code, err]).toEqual([0, expect.stringContaining("has expired on 1970-01-02")]);
    expect(err).toMatch(new RegExp(`peers https://127.0.0.1:\\d+#sha256=${old.pin}`));
    expect(out).not.toBe("");
  });

  test("is started with what openssl makes, and prints the fingerprint that openssl prints", async (context) => {
    const openssl = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] }).toString();
    await using stack = new AsyncDisposableStack();
    const folder = await homeIn(stack);
    try {
      const dates = ["-days", "3650", "-subj", "/CN=chaincore"];
      openssl("req", "-x509", "-newkey", "ed25519", "-noenc", ...dates, "-keyout", "key.pem", "-out", "cert.pem");
    } catch {
      return context.skip("there is no openssl here");
    }
    const shown = /Fingerprint=([0-9A-F:]+)/.exec(openssl("x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"))![1]!;
    const flags = ["--p2p-tls-cert", join(folder, "cert.pem"), "--p2p-tls-key", join(folder, "key.pem")];
    const node = await alone(stack, flags);
    expect(node.ready.p2p).toContain(`#sha256=${shown.replaceAll(":", "").toLowerCase()}`);
    const other = await alone(stack, ["--connect", `https://127.0.0.1:${portOf(node)}#sha256=${shown}`]);
    await until("linked", async () => (await other.peers()).peers.length === 1);
  });
});
