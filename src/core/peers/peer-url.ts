import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { ChainCoreError } from "../errors.ts";
import { LinkError } from "./link.ts";

/** A peer is a URL: scheme, host and port, and nothing behind them. */
export interface PeerUrl {
  /** As it is shown and compared: http://HOST:PORT. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

/** @throws ChainCoreError bad-peer-url, with what to write instead */
export function parsePeerUrl(text: string): PeerUrl {
  const written = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.parse(written);
  const isPlain = url !== null && url.username === "" && url.password === "" && url.search === "" && /^\/?$/.test(url.pathname);
  if (!isPlain || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new ChainCoreError(
      "bad-peer-url",
      `${JSON.stringify(text)} is no peer: write http://HOST:PORT, such as http://127.0.0.1:8000`,
      {
        detail: { url: text },
      },
    );
  }
  const isSecure = url.protocol === "https:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { text: `${url.protocol}//${isIP(host) === 6 ? `[${host}]` : host}:${port}`, host, port, isSecure };
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
