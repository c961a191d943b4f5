import { join } from "node:path";
import { exportBlockFile, importBlockFile } from "../chain/block-file-exchange.ts";
import { LockManager } from "../locks/manager.ts";
import { SystemClock, systemEntropy } from "../node/system.ts";
import type { Link, LinkHandler } from "../peers/link.ts";
import { broadcast } from "../peers/table/broadcast.ts";
import { encodeTip } from "../peers/tip-message.ts";
import { PeerTransport } from "../peers/transport.ts";
import { Block } from "../primitives/block.ts";
import type { Height } from "../primitives/units.ts";
import { BenchNode, QUIET, spendsOf } from "./bench-node.ts";
import { BenchPeer } from "./bench-peer.ts";
import { BENCH_NETWORK, BlockSupply } from "./block-supply.ts";
import { cpuSeconds } from "./measure.ts";
import { type BenchRow, median, row } from "./report.ts";
import { attackRows } from "./under-attack.ts";

/*
 * Nodes on loopback, both ends of each link in this one process, which therefore does the work of two: what is measured here is
 * an upper bound of what a node needs whose neighbour runs elsewhere. Wall time, disk and threads as in the chain's suite.
 */

const PINGS = 500;
const RUNS = 5;
const NEIGHBOURS = 8;
const SYNC_BLOCKS = 1_000;
/** 20,000 in all. */
const SYNC_TRANSACTIONS = 20;
const ANNOUNCED_TRANSACTIONS = 2_000;

export async function rows(): Promise<readonly BenchRow[]> {
  return [...(await linkRows()), await broadcastRow(), ...(await syncRows()), await announceRow(), ...(await attackRows())];
}

const genesis = Block.decode(BENCH_NETWORK.genesis);
const TIP = encodeTip({ hash: genesis.hash, height: 0 as Height, chainwork: 2n as never });

/** One end of links, as the network sees it. */
class End {
  readonly links: Link[] = [];
  readonly transport: PeerTransport;
  readonly #locks = new LockManager();

  constructor(nodeId: string, handler: LinkHandler) {
    const tip = { hash: genesis.hash, height: 0 as Height, chainwork: 2n as never };
    const instance = Buffer.from(systemEntropy.bytes(16)).toString("hex");
    const { name: network } = BENCH_NETWORK;
    this.transport = new PeerTransport(
      {},
      {
        ...{ locks: this.#locks, clock: new SystemClock(), entropy: systemEntropy, log: QUIET, handler },
        self: () => ({ network, genesis: genesis.hash, instance, nodeId, agent: "chaincore bench", listenUrl: null, tip }),
        admit: () => undefined,
        onLink: (link) => void this.links.push(link),
      },
    );
  }

  async listen(): Promise<string> {
    return `http://127.0.0.1:${await this.transport.listen("127.0.0.1", 0)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    this.#locks.close();
  }
}

async function linkRows(): Promise<readonly BenchRow[]> {
  await using dialler = new End("dialler", () => TIP);
  await using listener = new End("listener", () => TIP);
  const asked = await dialler.transport.dial(await listener.listen());
  const answered = listener.links[0]!;
  const samples = { there: [] as number[], back: [] as number[] };
  for (let run = -1; run < RUNS; run++) {
    const there = await pingMs(asked);
    const back = await pingMs(answered);
    if (run < 0) continue;
    samples.there.push(there);
    samples.back.push(back);
  }
  const hitRate = dialler.transport.connectionHitRate ?? 0;
  return [
    row({ name: "round trip of a ping, the dialler asks", unit: "ms", samples: samples.there }),
    row({ name: "round trip of a ping, the listener asks through the stream", unit: "ms", samples: samples.back }),
    row({
      name: "connection hit rate, at the sockets",
      unit: "share",
      samples: [hitRate],
      goal: { on: "value", sign: ">=", bound: 0.9 },
    }),
  ];
}

/** The mean of many, one after the other. */
async function pingMs(link: Link): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < PINGS; i++) await link.request("ping", TIP);
  return (performance.now() - start) / PINGS;
}

/** Until the last of those who answer has answered; one never does. */
async function broadcastRow(): Promise<BenchRow> {
  await using hub = new End("hub", () => TIP);
  await using disposal = new AsyncDisposableStack();
  const links: Link[] = [];
  for (let n = 0; n < NEIGHBOURS; n++) {
    const isPit = n === 0;
    const end = disposal.use(
      new End(`neighbour ${n}`, () => (isPit ? new Promise<Uint8Array>(() => undefined) : new Uint8Array(0))),
    );
    links.push(await hub.transport.dial(await end.listen()));
  }
  const samples: number[] = [];
  for (let run = -1; run < RUNS; run++) {
    const results = await broadcast(links, { kind: "announce", body: new Uint8Array(200) }, { timeoutMs: 300 });
    const answered = results.filter(({ ok }) => ok).map(({ ms }) => ms);
    if (run >= 0) samples.push(answered.length === NEIGHBOURS - 1 ? Math.max(...answered) : Number.POSITIVE_INFINITY);
  }
  const name = `broadcast to ${NEIGHBOURS}, one of them a tar pit: the others have answered`;
  return row({ name, unit: "ms", samples, goal: { on: "value", sign: "<=", bound: 100 } });
}

/** By turns: the same blocks from a file, and from a peer that has them. */
async function syncRows(): Promise<readonly BenchRow[]> {
  const supply = new BlockSupply();
  supply.fund(SYNC_BLOCKS * SYNC_TRANSACTIONS);
  for (let i = 0; i < SYNC_BLOCKS; i++) supply.spend(SYNC_TRANSACTIONS);
  await using full = await BenchPeer.open("full");
  for (let at = 0; at < supply.blocks.length; at += 50)
    await full.node.run((task) => full.node.parts.chain.acceptBlocks(task, supply.blocks.slice(at, at + 50)));
  const path = join(full.node.directory, "export.dat");
  await exportBlockFile(full.node.parts.chain, path);
  const samples = { file: [] as number[], peer: [] as number[], fileCpu: [] as number[], peerCpu: [] as number[] };
  for (let run = -1; run < 3; run++) {
    const start = cpuSeconds();
    const file = await importMs(path);
    const between = cpuSeconds();
    const peer = await syncMs(full);
    if (run < 0) continue;
    samples.file.push((SYNC_BLOCKS * 1000) / file);
    samples.peer.push((SYNC_BLOCKS * 1000) / peer);
    samples.fileCpu.push(between - start);
    samples.peerCpu.push(cpuSeconds() - between);
  }
  const name = `sync of ${SYNC_BLOCKS} blocks with ${SYNC_BLOCKS * SYNC_TRANSACTIONS} transactions from a peer`;
  const reference = (file: readonly number[]) => ({ name: "import of the same from a file", value: median(file) });
  return [
    row({
      ...{ name, unit: "blocks/s", samples: samples.peer, reference: reference(samples.file) },
      goal: { on: "ratio", sign: ">=", bound: 0.8 },
    }),
    row({ name: `${name}, both ends`, unit: "s CPU", samples: samples.peerCpu, reference: reference(samples.fileCpu) }),
  ];
}

async function importMs(path: string): Promise<number> {
  await using node = await BenchNode.open();
  const start = performance.now();
  await node.run((at) => importBlockFile(at, node.parts.chain, path));
  return performance.now() - start;
}

async function syncMs(full: BenchPeer): Promise<number> {
  await using fresh = await BenchPeer.open("fresh");
  const start = performance.now();
  await fresh.peers.tryOnce(full.url);
  await fresh.until(() => fresh.height === full.height);
  return performance.now() - start;
}

/** From the moment a block is connected here until it is there, whose pool has its transactions. */
async function announceRow(): Promise<BenchRow> {
  const supply = new BlockSupply();
  supply.fund((RUNS + 1) * ANNOUNCED_TRANSACTIONS);
  for (let i = 0; i <= RUNS; i++) supply.spend(ANNOUNCED_TRANSACTIONS);
  const [funding, ...blocks] = supply.blocks.map(({ raw }) => raw);
  await using here = await BenchPeer.open("here");
  await using there = await BenchPeer.open("there");
  for (const { node } of [here, there]) await node.connect(funding!);
  await there.peers.tryOnce(here.url);
  const samples: number[] = [];
  const local: number[] = [];
  for (const [run, raw] of blocks.entries()) {
    await there.node.pool(spendsOf(raw));
    await here.until(() => here.node.parts.mempool.size === ANNOUNCED_TRANSACTIONS); // By relay over the link.
    const { hash } = Block.decode(raw);
    const at = (peer: BenchPeer) => peer.until(() => peer.node.parts.chain.tip.hash === hash).then(() => performance.now());
    const [told, connected, alone] = await Promise.all([at(here), at(there), here.node.connect(raw)]);
    if (run === 0) continue;
    samples.push(connected - told);
    local.push(alone);
  }
  return row({
    name: `a block of ${ANNOUNCED_TRANSACTIONS} pooled transactions, from the announcer's tip to its neighbour's`,
    unit: "ms",
    samples,
    reference: { name: "the announcer's own connect", value: median(local) },
    goal: { on: "value", sign: "<=", bound: 150 },
  });
}
