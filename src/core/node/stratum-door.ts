import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ChainCoreError } from "../errors.ts";
import { writeFileAtomic } from "../files/atomic-file.ts";
import { StratumServer } from "../stratum/server.ts";
import { type LedgerStore, ShareLedger } from "../stratum/share-ledger.ts";
import type { NodeMining } from "./node-mining.ts";
import type { NodeParts } from "./parts.ts";

/** Opens a Stratum port for stock miners; their shares stand in `shares.json` of the node's folder. @throws ChainCoreError "stratum-address", "stratum-port" */
export async function openStratum(address: string, mining: NodeMining, node: NodeParts, directory: string) {
  const { host, port } = parseAddress(address);
  const { clock, log, events } = node;
  const ledger = await ShareLedger.open(fileStore(join(directory, "shares.json")));
  const server = new StratumServer({ host, port }, { ...mining.forStratum(), clock, log, ledger });
  const bound = await server.listen();
  const leave = events.follow(events.sequence, ({ event }) => {
    if (event === "block-connected" || event === "block-disconnected") server.tipChanged();
    return true;
  });
  const opened = `${host}:${bound.port}`;
  const silence = mining.tellStratum(() => {
    return { address: opened, miners: server.miners, hashesPerSecond: server.hashesPerSecond, shares: ledger.totals };
  });
  return {
    address: opened,
    close: async () => {
      leave();
      silence();
      await server.close();
    },
  };
}

function parseAddress(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new ChainCoreError(
      "stratum-address",
      `"${text}" is no HOST:PORT for Stratum; write 127.0.0.1:3333, or 127.0.0.1:0 for any free port`,
    );
  }
  return { host: bracketed ?? (plain || "127.0.0.1"), port: Number(port) };
}

/** A damaged or missing file starts the ledger anew: shares are figures, not money. */
function fileStore(path: string): LedgerStore {
  return {
    load: async () => {
      try {
        return JSON.parse(await readFile(path, "utf8")) as Awaited<ReturnType<LedgerStore["load"]>>;
      } catch {
        return {};
      }
    },
    save: (workers) => writeFileAtomic(path, `${JSON.stringify(workers)}\n`, { mode: 0o600 }),
  };
}
