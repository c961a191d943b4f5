import { request } from "node:http";
import { expect, test } from "vitest";
import { EventLog } from "../../src/core/api/events.ts";
import type { NodeEvent } from "../../src/core/client/answers.ts";
import { Router } from "../../src/core/http/router.ts";
import { HttpServer } from "../../src/core/http/server.ts";

const clock = { nowMs: () => 1_700_000_000_000 };
const log = { debug() {}, info() {}, warn() {}, error() {} };
const turn = () => new Promise((resolve) => setImmediate(resolve));

function filled(count: number, ringMax = 100): EventLog {
  const events = new EventLog({ clock, ringMax });
  for (let i = 1; i <= count; i++) events.append({ event: "block-connected", hash: `${i}`, height: i, transactions: 1 });
  return events;
}

test("events are numbered from one and stamped with the node's time", () => {
  expect(filled(2).after(0)).toEqual([
    { sequence: 1, time: 1_700_000_000, event: "block-connected", hash: "1", height: 1, transactions: 1 },
    { sequence: 2, time: 1_700_000_000, event: "block-connected", hash: "2", height: 2, transactions: 1 },
  ]);
});

test("the ring keeps the newest, and says so of what it does not have", () => {
  const events = filled(250);
  expect(events.after(150)?.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 100 }, (_, i) => 151 + i));
  expect(events.after(250)).toEqual([]);
  for (const since of [149, 251, -1, Number.NaN, 1.5]) expect(events.after(since), `${since}`).toBeUndefined();
});

test("appending calls nobody: readers are served in a later turn, in order", async () => {
  const events = filled(3);
  const seen: number[] = [];
  events.follow(1, ({ sequence }) => seen.push(sequence) > 0);
  events.append({ event: "peer", url: "http://a", state: "up" });
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual([2, 3, 4]);
  events.append({ event: "deadlock", text: "x" });
  events.append({ event: "deadlock", text: "y" });
  await turn();
  expect(seen).toEqual([2, 3, 4, 5, 6]);
});

test("a reader that leaves, or answers false, hears no more", async () => {
  const events = filled(0);
  const heard = { left: 0, refused: 0 };
  const leave = events.follow(0, () => ++heard.left > 0);
  events.follow(0, () => ++heard.refused < 0);
  await turn();
  for (let i = 0; i < 2; i++) {
    events.append({ event: "deadlock", text: "x" });
    await turn();
    leave();
  }
  expect(heard).toEqual({ left: 1, refused: 1 });
});

test("a reader whose place has left the ring within one turn is dropped, not served with gaps", async () => {
  const events = filled(0, 10);
  const seen: number[] = [];
  events.follow(0, ({ sequence }) => seen.push(sequence) > 0);
  for (let i = 0; i < 11; i++) events.append({ event: "deadlock", text: "x" });
  await turn();
  events.append({ event: "deadlock", text: "x" });
  await turn();
  expect(seen).toEqual([]);
});

/** A server that streams `events` under /v1/events, and how to read some lines of it. */
async function streaming(events: EventLog) {
  const stopping = new AbortController();
  const router = new Router().on("GET", "/v1/events", (exchange) => events.stream(exchange, stopping.signal));
  const server = new HttpServer({}, { router, log });
  await server.listen({ host: "127.0.0.1", port: 0 });
  const read = async (
    query: string,
    lines: number,
    begun: () => void = () => {},
  ): Promise<{ status: number; events: NodeEvent[] }> => {
    const { promise, resolve } = Promise.withResolvers<{ status: number; events: NodeEvent[] }>();
    const outgoing = request(`http://127.0.0.1:${server.port}/v1/events${query}`, (response) => {
      let text = "";
      const done = () => {
        resolve({
          status: response.statusCode!,
          events: text
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line) as NodeEvent),
        });
        outgoing.destroy();
      };
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        begun();
        if (text.split("\n").length > lines) done();
      });
      response.on("end", done).on("error", () => {});
    });
    outgoing.on("error", () => {}).end();
    return await promise;
  };
  return { read, stopping, close: () => server.close(0) };
}

test("a stream resumes behind the number that it is given, and goes on with what comes", async () => {
  const events = filled(5);
  const { read, close } = await streaming(events);
  const begun = Promise.withResolvers<void>();
  const reading = read("?since=3", 4, begun.resolve);
  await begun.promise;
  events.append({ event: "deadlock", text: "six" });
  events.append({ event: "deadlock", text: "seven" });
  expect((await reading).events.map(({ sequence }) => sequence)).toEqual([4, 5, 6, 7]);
  await close();
});

test("a number that is not kept, or was never given, is answered with 410", async () => {
  const { read, close } = await streaming(filled(5, 3));
  for (const since of ["1", "6", "x"]) expect((await read(`?since=${since}`, 1)).status, since).toBe(410);
  await close();
});

test("streams end when the node stops", async () => {
  const { read, stopping, close } = await streaming(filled(1));
  const reading = read("?since=0", 99);
  expect((await read("?since=0", 1)).events).toHaveLength(1);
  stopping.abort();
  expect((await reading).events).toHaveLength(1);
  await close();
});
