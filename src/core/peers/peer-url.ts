import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { ChainCoreError } from "../errors.ts";
import { LinkError } from "./link.ts";

/** A peer is a URL: scheme, host and port, behind them perhaps the pin of its certificate, and nothing else. */
export interface PeerUrl {
  /** As it is shown and kept: http://HOST:PORT, or https://HOST:PORT#sha256=PIN. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  /** SHA-256 of the certificate, 64 lower hex digits; undefined where the system's authorities vouch for it. */
  readonly pin: string | undefined;
}

/** Where a node listens unless it is told otherwise, and is meant where only a host is written. */
export const DEFAULT_PORT = 8_000;

const PIN = /^#sha256=((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})$/i;

/** @throws ChainCoreError bad-peer-url, with what to write instead */
export function parsePeerUrl(text: string): PeerUrl {
  const written = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}${/:\d+\/?$/.test(text) ? "" : `:${DEFAULT_PORT}`}`;
  const url = URL.parse(written);
  const isPlain = url !== null && url.username === "" && url.password === "" && url.search === "" && /^\/?$/.test(url.pathname);
  if (!isPlain || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw badUrl(text, "is no peer: write http://HOST:PORT, such as http://127.0.0.1:8000, or https://HOST:PORT#sha256=PIN");
  }
  const isSecure = url.protocol === "https:";
  const pin = url.hash === "" ? undefined : PIN.exec(url.hash)?.[1]?.replaceAll(":", "").toLowerCase();
  if (url.hash !== "" && (pin === undefined || !isSecure)) {
    throw badUrl(
      text,
      "has a wrong end: a pin is written https://HOST:PORT#sha256= and the certificate's SHA-256 in 64 hex digits",
    );
  }
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { text: peerUrlOf({ host, port, isSecure, pin }), host, port, isSecure, pin };
}

/** @param pin hex */
export function peerUrlOf({ host, port, isSecure, pin }: Omit<PeerUrl, "text">): string {
  const place = `${isSecure ? "https" : "http"}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return pin === undefined ? place : `${place}#sha256=${pin}`;
}

/** The URL without its pin: what tells one peer from another, whichever certificate it shows. Node ids stay as they are. */
export function placeOf(url: string): string {
  const mark = url.indexOf("#sha256=");
  return mark < 0 ? url : url.slice(0, mark);
}

/** The one address that is connected to: looked up once, so that a name cannot mean another place a moment later. @throws LinkError */
export async function resolveAddress({ host, text }: PeerUrl): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new LinkError("peer-unreachable", `${text}: the name ${host} has no address`, { cause });
  }
}

function badUrl(text: string, why: string): ChainCoreError {
  return new ChainCoreError("bad-peer-url", `${JSON.stringify(text)} ${why}`, { detail: { url: text } });
}
