import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdminClient } from "../client/admin-client.ts";
import type { ChainInfo, ImportAnswer, VerifyAnswer } from "../client/answers.ts";
import { currentSession, type Place } from "../client/find-node.ts";
import { findSessionMetadata } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { Session } from "../sessions/session.ts";
import { askOrHost } from "./ask-or-host.ts";
import { SystemClock } from "./system.ts";

/**
 * Replays the whole best chain from genesis in a node of its own, every rule and script checked anew, and compares where
 * the two end. Takes as long as a first synchronisation; needs room for a second copy of the chain.
 * @throws ChainCoreError chain-differs
 */
export async function verifyChain(place: Place): Promise<VerifyAnswer> {
  const folder = await mkdtemp(join(tmpdir(), "chaincore-verify-"));
  try {
    const file = join(folder, "chain.dat");
    const kept = await askOrHost(place, async (client) => {
      const state = await stateOf(client);
      await client.post("/v1/export", { path: file });
      return state;
    });
    const metadata = await findSessionMetadata(place.home, await currentSession(place));
    const { network = "regtest", chain_spec = null } = metadata ?? {};
    const home = join(folder, "home");
    await Session.open({ home, name: "replay", clock: new SystemClock(), terms: { network, chain_spec } });
    const replayed = await askOrHost({ home, session: "replay" }, async (client) => {
      await client.post<ImportAnswer>("/v1/import", { path: file });
      return await stateOf(client);
    });
    return compare(kept, replayed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface CoinState {
  readonly bestblock: string;
  readonly height: number;
  readonly txouts: number;
  readonly muhash: string;
}

async function stateOf(client: AdminClient): Promise<CoinState & { readonly chainwork: string }> {
  const { chainwork } = await client.get<ChainInfo>("/v1/chain");
  const request = { jsonrpc: "2.0", id: 1, method: "gettxoutsetinfo", params: ["muhash"] };
  const { result } = await client.post<{ result: CoinState }>("/", request);
  return { ...result, chainwork };
}

function compare(kept: CoinState & { chainwork: string }, replayed: CoinState & { chainwork: string }): VerifyAnswer {
  const names = ["bestblock", "height", "chainwork", "txouts", "muhash"] as const;
  const wrong = names.filter((name) => kept[name] !== replayed[name]);
  if (wrong.length === 0) return { height: kept.height, tip: kept.bestblock, coins: kept.txouts, muhash: kept.muhash };
  const first = wrong.map((name) => `${name} ${kept[name]} instead of ${replayed[name]}`).join(", ");
  throw new ChainCoreError(
    "chain-differs",
    `a replay from genesis ends elsewhere: this node has ${first}; start it with --reindex`,
    {
      detail: { kept, replayed },
    },
  );
}
