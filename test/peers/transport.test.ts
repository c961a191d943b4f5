import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { LinkError, PeerRefusal } from "../../src/core/peers/link.ts";
import { MESSAGE_LIMITS } from "../../src/core/peers/messages.ts";
import type { BlockHash } from "../../src/core/primitives/units.ts";
import { until } from "./sync/sync-node.ts";
import { pair, Station } from "./transport-pair.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

async function failure(run: Promise<unknown>): Promise<LinkError> {
  const error = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(LinkError);
  return error as LinkError;
}

describe("a link", () => {
  test("carries questions and answers both ways, whoever has dialled", async () => {
    await using joined = await pair();
    const { here, there } = joined;
    expect(text(await here.request("ping", Buffer.from("from a")))).toBe("ping from a");
    expect(text(await there.request("ping", Buffer.from("from b")))).toBe("ping from b");
    expect([here.direction, there.direction]).toEqual(["outbound", "inbound"]);
    expect(here.identity.nodeId).toBe("b");
    expect(there.identity).toMatchObject({ nodeId: "a", listenUrl: null, tip: { height: 7, chainwork: 16n } });
  });

  test("carries the largest bodies, many at a time, both ways", async () => {
    await using joined = await pair();
    const { a, b, here, there } = joined;
    const block = new Uint8Array(MESSAGE_LIMITS.announce.askBytesMax).fill(3);
    a.handler = b.handler = (_link, _kind, body) => Uint8Array.of(body.length % 251, body[0]!);
    const expected = [block.length % 251, 3];
    const answers = await Promise.all([here, there, here, there].map((link) => link.request("announce", block)));
    expect(answers.map((answer) => [...answer])).toEqual([expected, expected, expected, expected]);
    expect(here.traffic.bytesSent).toBeGreaterThan(2 * block.length);
    expect(there.traffic.bytesReceived).toBeGreaterThan(2 * block.length);
  });

  test("tells a refusal as such, with its code", async () => {
    await using joined = await pair();
    const { a, b, here, there } = joined;
    a.handler = b.handler = () => {
      throw new PeerRefusal("not-found", "no such block");
    };
    for (const link of [here, there]) {
      const error = await failure(link.request("get-blocks", new Uint8Array(0)));
      expect([error.code, error.detail["refusal"]]).toEqual(["link-refused", "not-found"]);
    }
  });

  test("does not wait longer than it was told", async () => {
    await using joined = await pair();
    const { a, b, here, there } = joined;
    a.handler = b.handler = () => new Promise(() => undefined);
    for (const link of [here, there]) {
      expect((await failure(link.request("ping", new Uint8Array(0), { timeoutMs: 30 }))).code).toBe("link-timeout");
      expect(link.pending).toBe(0);
    }
  });

  test("ends on both sides, whoever ends it, and fails what is under way", async () => {
    for (const side of ["here", "there"] as const) {
      await using joined = await pair();
      joined.a.handler = joined.b.handler = () => new Promise(() => undefined);
      const waiting = [
        failure(joined.here.request("ping", new Uint8Array(0))),
        failure(joined.there.request("ping", new Uint8Array(0))),
      ];
      joined[side].close("enough");
      expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(["link-closed", "link-closed"]);
      await Promise.all([joined.here.closed, joined.there.closed]);
    }
  });

  test("an answer that is longer than its kind allows is no answer", async () => {
    await using joined = await pair();
    joined.a.handler = joined.b.handler = () => new Uint8Array(MESSAGE_LIMITS.ping.answerBytesMax + 1);
    expect((await failure(joined.here.request("ping", new Uint8Array(0)))).code).toBe("link-garbled");
    await failure(joined.there.request("ping", new Uint8Array(0), { timeoutMs: 2_000 }));
  });
});

describe("a link does not open", () => {
  test("to oneself, to another network, to a node that speaks no common version, to nobody", async () => {
    await using a = await new Station("a").listen();
    await using b = await new Station("b").listen();
    expect((await failure(a.transport.dial(a.url))).message).toContain("it is this node itself");
    b.self = { ...b.self, genesis: "ee".repeat(32) as BlockHash };
    expect((await failure(a.transport.dial(b.url))).message).toContain("another network");
    expect((await failure(a.transport.dial("http://127.0.0.1:1"))).message).toBe(
      "http://127.0.0.1:1 cannot be reached: nothing listens there",
    );
    expect(a.links.length + b.links.length).toBe(0);
  });

  test("where either side does not want it", async () => {
    await using a = new Station("a");
    await using b = await new Station("b").listen();
    b.admit = () => "it is banned until tomorrow";
    expect((await failure(a.transport.dial(b.url))).message).toContain("it is banned until tomorrow");
    b.admit = () => undefined;
    a.admit = ({ nodeId }) => `${nodeId} is linked already`;
    expect((await failure(a.transport.dial(b.url))).message).toContain("b is linked already");
  });

  test("unless both know the token, which never travels", async () => {
    await using b = await new Station("b", { token: "open sesame" }).listen();
    await using right = new Station("right", { token: "open sesame" });
    await using wrong = new Station("wrong", { token: "open says me" });
    await using none = new Station("none");
    await using bare = await new Station("bare").listen();
    expect(text(await (await right.transport.dial(b.url)).request("ping", Buffer.from("!")))).toBe("ping !");
    expect((await failure(wrong.transport.dial(b.url))).message).toContain("its peer token is another one");
    expect((await failure(none.transport.dial(b.url))).message).toContain("it asks for a peer token");
    expect((await failure(right.transport.dial(bare.url))).message).toContain("does not ask for the peer token");
    expect(b.links.length).toBe(1);
  });
});

describe("faults on purpose", () => {
  test("a partition ends links, and keeps new ones out on both sides, until it is healed", async () => {
    await using joined = await pair();
    const { a, b, here, there } = joined;
    b.transport.faults.set(undefined, { isPartitioned: true });
    expect(await there.closed).toBe("cut off on purpose");
    await here.closed;
    expect((await failure(a.transport.dial(b.url))).code).toBe("peer-unreachable");
    b.transport.faults.heal();
    a.transport.faults.set(b.url, { isPartitioned: true });
    expect((await failure(a.transport.dial(b.url))).code).toBe("peer-unreachable");
    a.transport.faults.heal();
    await a.transport.dial(b.url);
  });

  test("a delay holds up messages of the peer that was named, and of no other", async () => {
    await using joined = await pair();
    joined.a.transport.faults.set("b", { delayMs: 80 });
    const from = performance.now();
    await joined.here.request("ping", new Uint8Array(0));
    expect(performance.now() - from).toBeGreaterThan(79);
    joined.a.transport.faults.heal();
    joined.a.transport.faults.set("c", { delayMs: 60_000 });
    await joined.here.request("ping", new Uint8Array(0), { timeoutMs: 5_000 });
  });
});

describe("strangers", () => {
  /** Sends bytes as they are; gives what came back when the other side has closed. */
  function raw(url: string, bytes: string | Uint8Array): Promise<string> {
    const { port } = new URL(url);
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(bytes));
    let got = "";
    socket.on("data", (chunk) => (got += chunk.toString("latin1")));
    socket.on("error", () => resolve(got));
    socket.on("close", () => resolve(got));
    return promise;
  }

  const head = (path: string, more: string) => `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${more}`;

  test("garbage, web pages, wrong hosts and unknown links get one line and nothing else", async () => {
    await using b = await new Station("b").listen();
    expect(await raw(b.url, crypto.getRandomValues(new Uint8Array(500)))).toMatch(/^HTTP\/1.1 400|^$/);
    expect(await raw(b.url, head("/p2p/v1/hello", "Content-Length: 2\r\n\r\n{}"))).toContain(
      "this port speaks to other nodes only",
    );
    const peer = "chaincore-peer: 1\r\n";
    expect(
      await raw(b.url, head("/p2p/v1/hello", `${peer}Origin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}`)),
    ).toContain("HTTP/1.1 403");
    expect(await raw(b.url, head("/p2p/v1/hello", `${peer}Content-Length: 2\r\n\r\n{}`))).toContain("its hello lacks a field");
    expect(await raw(b.url, head("/p2p/v1/hello", `${peer}Content-Length: 5000\r\n\r\n`))).toContain("HTTP/1.1 413");
    expect(
      await raw(b.url, head("/p2p/v1/ping", `${peer}chaincore-link: ${"0".repeat(32)}\r\nContent-Length: 0\r\n\r\n`)),
    ).toContain("HTTP/1.1 410");
    expect(
      await raw(b.url, "POST /p2p/v1/hello HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    ).toContain("HTTP/1.1 403");
    expect(b.log.lines).toEqual([]);
  });

  test("one who sends a body drop by drop is cut off, and others are served meanwhile", async () => {
    await using b = await new Station("b", { limits: { requestTimeoutMs: 300, headersTimeoutMs: 200 } }).listen();
    const slow = raw(b.url, head("/p2p/v1/hello", "chaincore-peer: 1\r\nContent-Length: 100\r\n\r\n{"));
    const slower = raw(b.url, "POST /p2p/v1/he");
    await using a = new Station("a");
    await (await a.transport.dial(b.url)).request("ping", new Uint8Array(0));
    expect(await slow).toMatch(/^HTTP\/1.1 408/);
    expect(await slower).toMatch(/^HTTP\/1.1 408/);
  });

  test("a thousand connections from one address leave room for links that stand", async () => {
    await using joined = await pair({ b: { limits: { connectionsPerAddressMax: 100 } } });
    const { port } = new URL(joined.b.url);
    const sockets = Array.from({ length: 1_000 }, () => connect(Number(port), "127.0.0.1").on("error", () => undefined));
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    await Promise.race(closed);
    for (let i = 0; i < 20; i++) {
      expect(text(await joined.there.request("ping", Uint8Array.of(65)))).toBe("ping A");
    }
    await until("all but a hundred are cut", () => sockets.filter(({ destroyed }) => !destroyed).length <= 100);
    for (const socket of sockets) socket.destroy();
  });

  test("hellos of one address are limited, and told when to come again", async () => {
    await using b = await new Station("b").listen();
    const answers = await Promise.all(
      Array.from({ length: 250 }, () => raw(b.url, head("/p2p/v1/hello", "chaincore-peer: 1\r\nContent-Length: 2\r\n\r\n{}"))),
    );
    const late = answers.filter((answer) => answer.startsWith("HTTP/1.1 429"));
    expect(late.length).toBeGreaterThan(0);
    expect(late[0]).toMatch(/Retry-After: \d+/i);
  });
});
