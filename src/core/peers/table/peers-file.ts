import { readFile } from "node:fs/promises";
import { ChainCoreError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/atomic-file.ts";
import { parsePeerUrl } from "../peer-url.ts";
import { type Ban, parseBanAddress } from "./ban-list.ts";
import type { KnownPeer } from "./peer-table.ts";

/** Of the file's form; a newer one is not read. */
const FORMAT = 1;

export interface SavedPeers {
  readonly peers: readonly Pick<KnownPeer, "url" | "source" | "instance" | "nodeId" | "lastSeen">[];
  readonly bans: readonly Ban[];
}

/** What the peer table keeps over a restart. */
export interface PeersStore {
  load(): Promise<SavedPeers>;
  save(saved: SavedPeers): Promise<void>;
}

/** `peers.json` in a node's folder, replaced whole. Of a damaged one the sound entries count: peers are found again. */
export function peersFile(path: string): PeersStore {
  return {
    load: async () => {
      try {
        const { format, peers, bans } = JSON.parse(await readFile(path, "utf8")) as { format: number } & SavedPeers;
        if (format === FORMAT && Array.isArray(peers) && Array.isArray(bans))
          return { peers: peers.filter(isPeer), bans: bans.filter(isBan) };
      } catch {
        // Missing, or not ours.
      }
      return { peers: [], bans: [] };
    },
    save: async (saved) => {
      try {
        await writeFileAtomic(path, `${JSON.stringify({ format: FORMAT, ...saved }, null, 2)}\n`, { mode: 0o600 });
      } catch (cause) {
        const { code = "unknown" } = cause as NodeJS.ErrnoException;
        const message = `${path} cannot be written (${code}): peers and bans are as you said, but forgotten when the node stops`;
        throw new ChainCoreError("peers-not-saved", message, { cause, detail: { path } });
      }
    },
  };
}

type Fields<T> = { readonly [K in keyof T]?: unknown };
const isText = (value: unknown) => value === null || typeof value === "string";
const isTime = (value: unknown) => Number.isSafeInteger(value);

function isPeer(entry: Fields<KnownPeer> | null): boolean {
  const { url, source, instance, nodeId, lastSeen } = entry ?? {};
  const isKept = source === "added" || source === "gossip";
  return isKept && isText(instance) && isText(nodeId) && (lastSeen === null || isTime(lastSeen)) && isSpelled(url, toUrl);
}

function isBan(entry: Fields<Ban> | null): boolean {
  const { address, instance, url, reason, since, until } = entry ?? {};
  const isOfSomebody = [address, instance, url].some((name) => typeof name === "string");
  const isSound = isOfSomebody && isText(instance) && typeof reason === "string" && isTime(since) && isTime(until);
  return isSound && (url === null || isSpelled(url, toUrl)) && (address === null || isSpelled(address, parseBanAddress));
}

const toUrl = (text: string) => parsePeerUrl(text).text;

/** Whether it is written as we would write it. */
function isSpelled(text: unknown, spell: (text: string) => string): boolean {
  try {
    return typeof text === "string" && spell(text) === text;
  } catch {
    return false;
  }
}
