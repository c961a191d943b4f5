import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../files/atomic-file.ts";
import type { Ban } from "./ban-list.ts";
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

/** `peers.json` in a node's folder, replaced whole. A damaged one starts the table anew: peers are found again. */
export function peersFile(path: string): PeersStore {
  return {
    load: async () => {
      try {
        const { format, peers, bans } = JSON.parse(await readFile(path, "utf8")) as { format: number } & SavedPeers;
        if (format === FORMAT && Array.isArray(peers) && Array.isArray(bans)) return { peers, bans };
      } catch {
        // Missing, or not ours.
      }
      return { peers: [], bans: [] };
    },
    save: (saved) => writeFileAtomic(path, `${JSON.stringify({ format: FORMAT, ...saved }, null, 2)}\n`, { mode: 0o600 }),
  };
}
