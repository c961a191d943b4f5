import type { BlockHash, Height, Work } from "../primitives/units.ts";
import { LinkError, type PeerIdentity } from "./link.ts";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } from "./messages.ts";
import { parsePeerUrl } from "./peer-url.ts";

/** Bytes of a hello, both ways. */
export const HELLO_BYTES_MAX = 4_096;

/** What both sides tell when a link opens, as JSON; fields that a node does not know are passed over. */
export interface Hello {
  readonly network: string;
  readonly genesis: string;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly instance: string;
  readonly nodeId: string;
  readonly agent: string;
  readonly listenUrl: string | null;
  readonly tip: { readonly hash: string; readonly height: number; readonly chainwork: string };
  /** The dialler's; hex. */
  readonly nonce?: string;
  /** Of the token. */
  readonly proof?: string;
  /** In the listener's answer: names the link in what the dialler sends from now on. */
  readonly link?: string;
}

/** What a node says of itself. */
export interface Self {
  readonly network: string;
  readonly genesis: BlockHash;
  readonly instance: string;
  readonly nodeId: string;
  readonly agent: string;
  readonly listenUrl: string | null;
  readonly tip: PeerIdentity["tip"];
}

export function helloOf(self: Self): Hello {
  const { hash, height, chainwork } = self.tip;
  return {
    ...self,
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION,
    tip: { hash, height, chainwork: chainwork.toString(16) },
  };
}

/** The other side, if it is one that we can speak with. @throws LinkError peer-unsuitable, with the reason */
export function identityFrom(text: string, self: Self): { readonly identity: PeerIdentity; readonly hello: Hello } {
  const hello = parse(text);
  if (hello.network !== self.network || hello.genesis !== self.genesis)
    throw unsuitable(`it is on another network, ${printable(hello.network)} with genesis ${hello.genesis.slice(0, 16)}...`);
  if (hello.instance === self.instance) throw unsuitable("it is this node itself", self.instance);
  const version = Math.min(hello.versionMax, PROTOCOL_VERSION);
  if (version < Math.max(hello.versionMin, PROTOCOL_VERSION_MIN))
    throw unsuitable(
      `it speaks versions ${hello.versionMin} to ${hello.versionMax} of the protocol, this node ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION}`,
    );
  const { hash, height, chainwork } = hello.tip;
  const tip = { hash: hash as BlockHash, height: height as Height, chainwork: BigInt(`0x${chainwork}`) as Work };
  const { instance } = hello;
  const listenUrl = hello.listenUrl === null ? null : spelled(hello.listenUrl);
  return {
    hello,
    identity: { instance, listenUrl, version, tip, nodeId: printable(hello.nodeId), agent: printable(hello.agent) },
  };
}

function parse(text: string): Hello {
  let hello: Partial<Record<keyof Hello, unknown>>;
  try {
    hello = JSON.parse(text) as typeof hello;
  } catch {
    throw unsuitable("it does not answer as a peer does");
  }
  const tip = hello?.tip as Partial<Hello["tip"]> | undefined;
  const isSound =
    isText(hello?.network, 64) &&
    isHex(hello.genesis, 64, 64) &&
    isText(hello.nodeId, 64) &&
    isText(hello.agent, 128) &&
    isHex(hello.instance, 32, 32) &&
    isCount(hello.versionMin) &&
    isCount(hello.versionMax) &&
    (hello.listenUrl === null || isText(hello.listenUrl, 300)) &&
    isHex(tip?.hash, 64, 64) &&
    isCount(tip?.height) &&
    isHex(tip?.chainwork, 1, 64);
  if (!isSound) throw unsuitable("its hello lacks a field, or has one of another form");
  return hello as Hello;
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= lengthMax;
}

function isHex(value: unknown, lengthMin: number, lengthMax: number): value is string {
  return isText(value, lengthMax) && value.length >= lengthMin && /^[0-9a-f]+$/.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

/** Null for what is no URL of a peer: it is shown to people, and compared. */
function spelled(url: string): string | null {
  try {
    return parsePeerUrl(url).text;
  } catch {
    return null;
  }
}

/** What a stranger says of himself, fit for a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}

/** @param instance whose, if it said so */
export function unsuitable(why: string, instance?: string): LinkError {
  return new LinkError("peer-unsuitable", `this peer cannot be linked with: ${why}`, { detail: { why, instance } });
}
