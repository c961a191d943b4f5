import type { Link, LinkHandler, PeerIdentity, PeerTip } from "../../../src/core/peers/link.ts";
import type { ActiveLink } from "../../../src/core/peers/table/active-link.ts";
import type { BlockHash, Height, Work } from "../../../src/core/primitives/units.ts";
import { memoryLinks } from "../../fakes/memory-link.ts";

export const TIP: PeerTip = { hash: "cd".repeat(32) as BlockHash, height: 7 as Height, chainwork: 16n as Work };

export function identityOf(name: string, listenUrl: string | null = null): PeerIdentity {
  return { instance: name.padEnd(32, "0"), nodeId: name, agent: "test", version: 1, listenUrl, tip: TIP };
}

export interface FakeLinkOptions {
  readonly address?: string;
  readonly direction?: Link["direction"];
  readonly url?: string | null;
  readonly openedMs?: number;
  readonly handler?: LinkHandler;
}

/** A link in memory that seems to come from where a test says. */
export function fakeLink(name: string, { handler = () => new Uint8Array(0), ...options }: FakeLinkOptions = {}): Link {
  const { left } = memoryLinks({ identity: identityOf("us"), handler }, { identity: identityOf(name), handler });
  const { address = "127.0.0.1", direction = "inbound", url = null, openedMs = 0 } = options;
  const own = { remote: { address, port: 1 }, direction, url, openedMs };
  return new Proxy(left, {
    get: (link, key) => {
      if (key in own) return own[key as keyof typeof own];
      const value: unknown = Reflect.get(link, key, link);
      return typeof value === "function" ? value.bind(link) : value;
    },
  });
}

export function activeLink(link: Link, more: Partial<ActiveLink> = {}): ActiveLink {
  return { link, tip: TIP, latencyMs: undefined, latencyMinMs: undefined, missed: 0, score: 0, lastUseful: 0, ...more };
}
