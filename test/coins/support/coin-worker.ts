import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { SnapshotRevokedError } from "../../../src/core/coins/leases.ts";
import { CoinReader, type CoinTableHandle } from "../../../src/core/coins/reader.ts";
import type { CoinSnapshot } from "../../../src/core/coins/snapshot.ts";
import { entriesText, outpoint } from "./coins.ts";
import { entriesHash, MARKER, markerFault, SUM_SCRIPT } from "./invariants.ts";
import { Random } from "./random.ts";

export interface WorkerTask {
  readonly handle: CoinTableHandle;
  /** Word 0: stop when not 0. Word 1: workers that have begun. */
  readonly flags: SharedArrayBuffer;
  readonly seed: number;
  readonly kind: "watch" | "hold" | "race" | "grab";
  /** watch: what every version's coins of SUM_SCRIPT sum to. */
  readonly sum?: number;
  /** hold: the version, and the hash of all its coins. */
  readonly version?: number;
  readonly hash?: string;
  /** race: coins 0 to `races` - 1 are to be won. */
  readonly races?: number;
}

const task = workerData as WorkerTask;
const port = parentPort as MessagePort;
const flags = new Int32Array(task.flags);
const reader = CoinReader.attach(task.handle);
const random = new Random(task.seed);
const stopped = (): boolean => Atomics.load(flags, 0) !== 0;

Atomics.add(flags, 1, 1);
if (task.kind === "watch") port.postMessage(watch());
else if (task.kind === "hold") port.postMessage(hold());
else if (task.kind === "race") await race();
else grab();

/** Takes snapshot after snapshot and checks what holds in every version, until told to stop. */
function watch(): { readonly snapshots: number; readonly revoked: number; readonly wrong: readonly string[] } {
  const wrong: string[] = [];
  let [snapshots, revoked] = [0, 0];
  while (!stopped() && wrong.length === 0) {
    try {
      using snapshot = reader.snapshot();
      snapshots++;
      wrong.push(...[markerFault(snapshot)].filter((fault) => fault !== undefined));
      const sum = snapshots % 2 === 0 ? snapshot.balanceOf(SUM_SCRIPT) : sumOfAll(snapshot);
      if (sum !== task.sum) wrong.push(`version ${snapshot.version} sums to ${sum}`);
      wrong.push(...[markerFault(snapshot)].filter((fault) => fault !== undefined));
    } catch (error) {
      if (!(error instanceof SnapshotRevokedError)) throw error;
      revoked++;
    }
  }
  return { snapshots, revoked, wrong };
}

function sumOfAll(snapshot: CoinSnapshot): number {
  let sum = 0;
  for (const [, coin] of snapshot.coins()) if (Buffer.compare(coin.script, SUM_SCRIPT) === 0) sum += coin.value;
  return sum;
}

/** Joins one version and compares all its coins with what they were, again and again. */
function hold(): { readonly rounds: number; readonly wrong: readonly string[] } {
  using snapshot = reader.snapshotAt(task.version!);
  const wrong: string[] = [];
  let rounds = 0;
  while (!stopped() && wrong.length === 0) {
    rounds++;
    const hash = entriesHash(entriesText(snapshot.coins()));
    if (hash !== task.hash) wrong.push(`round ${rounds}: ${hash}`);
  }
  return { rounds, wrong };
}

/** For every coin: looks at a snapshot, and if the coin is there, asks to spend it. */
async function race(): Promise<void> {
  let wins = 0;
  for (let n = 0; n < task.races!; n++) {
    using snapshot = reader.snapshot();
    if (!snapshot.has(outpoint(n))) continue;
    const answer = new Promise<boolean>((resolve) => port.once("message", resolve));
    port.postMessage({ race: n, basedOn: snapshot.version });
    if (await answer) wins++;
  }
  port.postMessage({ wins });
}

/** Holds snapshots and dies with them. */
function grab(): void {
  const held = Array.from({ length: 1 + random.below(4) }, () => reader.snapshot());
  port.postMessage({ version: held[0]!.version, held: held.length });
  while (!stopped()) for (const snapshot of held) snapshot.has(outpoint(MARKER + snapshot.version));
}
