import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createServer, setDefaultCACertificates, connect as tlsConnect } from "node:tls";
import { describe, expect, test } from "vitest";
import type { Link } from "../../src/core/peers/link.ts";
import { MESSAGE_LIMITS } from "../../src/core/peers/messages.ts";
import { selfSigned } from "../support/self-signed.ts";
import { until } from "./sync/sync-node.ts";
import { pair, Station } from "./transport-pair.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const certificate = selfSigned();
/** One that this machine's authorities vouch for: they are read once, when first needed. */
const known = selfSigned({ names: ["localhost"] });
setDefaultCACertificates([known.cert]);
const withTls = { b: { certificate } };

const refusal = (dialling: Promise<Link>): Promise<string> =>
  dialling.then(
    () => "linked",
    ({ message }: Error) => message,
  );

const unpinned = (url: string) => url.replace(/#.*/, "");

/** A TLS server that is no node; `heard` is what came to it behind the handshake. */
async function listener(options: { readonly cert: string; readonly key: string; readonly maxVersion?: "TLSv1.2" }) {
  const heard: Buffer[] = [];
  let left = 0;
  const server = createServer(options, (socket) => {
    socket.on("data", (bytes: Buffer) => heard.push(bytes)).on("error", () => undefined);
  });
  server.on("connection", (socket) => socket.once("close", () => left++));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    port,
    heard: () => Buffer.concat(heard).toString(),
    left: () => left,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

describe("a link over TLS", () => {
  test("carries questions and answers both ways, and reuses its connections", async () => {
    await using joined = await pair(withTls);
    const { a, here, there } = joined;
    expect(here.url).toBe(`${unpinned(joined.b.url)}#sha256=${certificate.pin}`);
    for (let i = 0; i < 30; i++) {
      expect(text(await here.request("ping", Buffer.from("from a")))).toBe("ping from a");
      expect(text(await there.request("ping", Buffer.from("from b")))).toBe("ping from b");
    }
    expect(a.transport.connectionHitRate).toBeGreaterThan(0.9);
    expect(a.transport.hosts()).toMatchObject([{ origin: unpinned(joined.b.url), failures: 0 }]);
  });

  test("carries the largest bodies, many at a time, both ways", async () => {
    await using joined = await pair(withTls);
    const { a, b, here, there } = joined;
    const block = new Uint8Array(MESSAGE_LIMITS.announce.askBytesMax).fill(3);
    a.handler = b.handler = (_link, _kind, body) => Uint8Array.of(body.length % 251, body.at(-1)!);
    const answers = await Promise.all([here, there, here, there].map((link) => link.request("announce", block)));
    expect(answers.map((answer) => [...answer])).toEqual(Array.from({ length: 4 }, () => [block.length % 251, 3]));
  });

  test("is known by its pin alone: names, authorities and dates do not matter then", async () => {
    const old = selfSigned({ names: ["elsewhere.example"], until: new Date(Date.now() - 86_400_000) });
    await using b = await new Station("b", { certificate: old }).listen();
    await using a = new Station("a");
    expect(await refusal(a.transport.dial(b.url.replace("127.0.0.1", "localhost")))).toBe("linked");
  });

  test("asks for the token as one without TLS does", async () => {
    await using b = await new Station("b", { certificate, token: "open sesame" }).listen();
    await using right = new Station("right", { token: "open sesame" });
    await using none = new Station("none");
    expect(await refusal(right.transport.dial(b.url))).toBe("linked");
    expect(await refusal(none.transport.dial(b.url))).toContain("it asks for a peer token");
  });
});

describe("somebody else at the place", () => {
  test("with another certificate hears nothing of ours, and both pins are told", async () => {
    const other = selfSigned();
    await using server = await listener(other);
    await using a = new Station("a");
    const url = `https://127.0.0.1:${server.port}#sha256=${certificate.pin}`;
    const why = await refusal(a.transport.dial(url));
    expect(why).toBe(
      `${url} cannot be linked with: it shows another certificate, sha256=${other.pin}, and not the one that is pinned: it was made anew, or somebody else answers there`,
    );
    await until("it has come and gone", () => server.left() === 1);
    expect(server.heard()).toBe("");
    const ending = new AbortController();
    const asked = refusal(a.transport.dial(url.replace(certificate.pin, other.pin), ending.signal));
    await until("with the right pin it is greeted", () => server.heard().includes("POST /p2p/v1/hello"));
    ending.abort(new Error("enough"));
    expect(await asked).toContain("enough");
  });

  test("with an older TLS is not spoken with", async () => {
    await using server = await listener({ ...certificate, maxVersion: "TLSv1.2" });
    await using a = new Station("a");
    expect(await refusal(a.transport.dial(`https://127.0.0.1:${server.port}#sha256=${certificate.pin}`))).toContain(
      "no TLS connection came about",
    );
    expect(server.heard()).toBe("");
  });

  test("is told from the right one although both were seen at the same address", async () => {
    await using joined = await pair(withTls);
    const { a, b } = joined;
    const wrong = b.url.replace(certificate.pin, "0".repeat(64));
    expect(await refusal(a.transport.dial(wrong))).toContain("another certificate");
    expect(text(await joined.here.request("ping", Buffer.from("!")))).toBe("ping !");
  });
});

describe("without a pin", () => {
  test("a certificate that no authority vouches for is refused", async () => {
    await using b = await new Station("b", { certificate }).listen();
    await using a = new Station("a");
    expect(await refusal(a.transport.dial(unpinned(b.url)))).toMatch(/no authority that this machine knows vouches .* pin it/);
    expect(b.links).toEqual([]);
  });

  test("the authorities that this machine knows vouch for the name, and for no other", async () => {
    await using b = await new Station("b", { certificate: known }).listen();
    await using a = new Station("a");
    expect(await refusal(a.transport.dial(unpinned(b.url)))).toContain("its certificate is for another name");
    expect(await refusal(a.transport.dial(unpinned(b.url).replace("127.0.0.1", "localhost")))).toBe("linked");
  });
});

describe("the wrong scheme", () => {
  test("http to a port that speaks https is told so, and https to one that does not", async () => {
    await using secure = await new Station("secure", { certificate }).listen();
    await using plain = await new Station("plain").listen();
    await using a = new Station("a");
    expect(await refusal(a.transport.dial(unpinned(secure.url).replace("https", "http")))).toContain(
      "this port speaks https: write https://, and the pin of its certificate behind #sha256=",
    );
    const asSecure = plain.url.replace("http", "https");
    for (const url of [asSecure, `${asSecure}#sha256=${certificate.pin}`]) {
      expect(await refusal(a.transport.dial(url))).toBe(
        `${url} cannot be linked with: it does not speak TLS there; write http:// if it is a node without a certificate`,
      );
    }
  });
});

describe("strangers at a port that speaks TLS", () => {
  const limits = { headersTimeoutMs: 300, requestTimeoutMs: 400, connectionsPerAddressMax: 20 };
  const portOf = (station: Station) => Number(new URL(station.url).port);

  /** Resolves when the connection is cut; `drip` is called again and again until then. */
  async function cut(socket: Socket, drip: (socket: Socket) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setInterval(() => drip(socket), 20);
    socket.on("error", () => undefined).once("close", resolve);
    await promise;
    clearInterval(timer);
  }

  test("one who drips its handshake, or says nothing, is cut off", async () => {
    await using b = await new Station("b", { certificate, limits }).listen();
    const hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]; // A ClientHello of 512 bytes, which never gets its last ones.
    await Promise.all([
      cut(connect(portOf(b), "127.0.0.1"), (socket) => socket.write(Buffer.of(hello.shift() ?? 7))),
      cut(connect(portOf(b), "127.0.0.1"), () => undefined),
    ]);
  });

  test("one who drips headers or a body behind the handshake is cut off, and others are served meanwhile", async () => {
    await using b = await new Station("b", { certificate, limits }).listen();
    const head = [..."POST /p2p/v1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\nchaincore-peer: 1\r\nContent-Length: 1000\r\n\r\n"];
    const start = () => tlsConnect({ host: "127.0.0.1", port: portOf(b), rejectUnauthorized: false });
    const body = start();
    body.write(head.join(""));
    const cuts = [cut(start(), (socket) => socket.write(head.shift() ?? "x")), cut(body, (socket) => socket.write("x"))];
    await using a = new Station("a");
    expect(await refusal(a.transport.dial(b.url))).toBe("linked");
    await Promise.all(cuts);
  });

  test("one who speaks an older TLS only is not answered", async () => {
    await using b = await new Station("b", { certificate, limits }).listen();
    const old = tlsConnect({ host: "127.0.0.1", port: portOf(b), rejectUnauthorized: false, maxVersion: "TLSv1.2" });
    const [{ code }] = (await once(old, "error")) as [NodeJS.ErrnoException];
    expect(code).toMatch(/PROTOCOL_VERSION/);
  });

  test("a crowd from one address is cut down to what one address may have, before any handshake", async () => {
    await using b = await new Station("b", { certificate, limits: { ...limits, headersTimeoutMs: 20_000 } }).listen();
    const sockets = Array.from({ length: 200 }, () => connect(portOf(b), "127.0.0.1").on("error", () => undefined));
    await until("all but twenty are cut", () => sockets.filter(({ destroyed }) => destroyed).length === 180);
    for (const socket of sockets) socket.destroy();
    await using a = new Station("a");
    await expect.poll(() => refusal(a.transport.dial(b.url)), { timeout: 20_000 }).toBe("linked"); // The port sees them go.
    expect(b.log.lines).toEqual([]);
  });

  test("garbage in place of a handshake gets nothing, and headers that are too long a refusal", async () => {
    await using b = await new Station("b", { certificate, limits }).listen();
    const garbage = connect(portOf(b), "127.0.0.1").on("error", () => undefined);
    garbage.end(Buffer.alloc(2_000, 0xfe));
    await once(garbage.resume(), "close");
    const long = tlsConnect({ host: "127.0.0.1", port: portOf(b), rejectUnauthorized: false }).on("error", () => undefined);
    long.write(`GET / HTTP/1.1\r\nx: ${"x".repeat(9_000)}`);
    const [answer] = (await once(long, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 431/);
    long.destroy();
    expect(b.log.lines).toEqual([]);
  });
});
