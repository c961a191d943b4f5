import { connect } from "node:net";
import { REGTEST } from "../../../src/core/consensus/params.ts";
import { encodeBodies } from "../../../src/core/peers/bodies-message.ts";
import { encodeHeaders } from "../../../src/core/peers/headers-message.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import { Block } from "../../../src/core/primitives/block.ts";
import { Station } from "../transport-pair.ts";
import { type Answers, bodiesOf, headersOf, tipOf } from "./stranger.ts";

const GENESIS = Block.decode(REGTEST.genesis).hash;

/** Each breaks the rules in a way of its own, and is kept out under that name. */
export function villains(sound: readonly Block[], bad: Block): Readonly<Record<string, Answers>> {
  const all = [...sound, bad];
  const honest = { "get-headers": headersOf(all), "get-blocks": bodiesOf(all) };
  const twice = (block: Block) => Block.build(block.header, [...block.transactions, block.transactions[0]!]);
  return {
    "unconnected-headers": { "get-headers": () => encodeHeaders([sound[5]!.header]) },
    "garbled-message": { "get-headers": () => Uint8Array.of(0xfd, 1) },
    "mutated-block": { ...honest, "get-blocks": bodiesOf(all, twice) },
    "not-what-was-asked": { ...honest, "get-blocks": () => encodeBodies([sound[7]!.raw]) },
    "invalid-block": honest,
  };
}

/** A node of the same network that dials in, and then answers as `answers` says. */
export async function intrude(
  stack: AsyncDisposableStack,
  url: string,
  name: string,
  answers: Answers,
  blocks: readonly Block[],
) {
  const station = stack.use(new Station(name.slice(0, 16)));
  station.self = { ...station.self, genesis: GENESIS, tip: tipOf(blocks) };
  const all: Answers = { ping: () => encodeTip(tipOf(blocks)), ...answers };
  station.handler = (_link, kind, body) => all[kind]?.(body) ?? new Uint8Array(0);
  return station.transport.dial(url);
}

/** What the port says to raw bytes before it closes; undefined when it just closes. */
export function say(url: string, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString("latin1");
  });
  socket.on("error", () => undefined).on("close", () => resolve(heard));
  return promise;
}
