import { setTimeout as sleep } from "node:timers/promises";
import type { LockSituation } from "../client/answers.ts";
import type { LevelName } from "../locks/levels.ts";
import type { RwLock } from "../locks/rwlock.ts";
import { type LockStage, meetingOf } from "./lock-stage.ts";

/** Each plays one situation and returns what it showed, in a sentence. */
export const LOCK_PLAYS: Readonly<Record<LockSituation, (stage: LockStage) => Promise<string>>> = {
  deadlock,
  inversion,
  starvation,
};

/** Two strands, two locks, crosswise: the classic. */
async function deadlock(stage: LockStage): Promise<string> {
  const locks = stage.unordered;
  const a = locks.getLock("demo-a", "PEERS");
  const b = locks.getLock("demo-b", "MINING");
  const bothHoldOne = meetingOf(2);
  const crosswise = (name: string, first: RwLock<LevelName>, second: RwLock<LevelName>) =>
    stage.strand(name, locks, async (at) => {
      using outer = await stage.take(name, at, first, "demo outer");
      await bothHoldOne();
      using _inner = await stage.take(name, outer, second, "demo inner");
    });
  await Promise.all([
    crosswise("demo-1", a as unknown as RwLock, b as unknown as RwLock),
    crosswise("demo-2", b as unknown as RwLock, a as unknown as RwLock),
  ]);
  const victim = stage.refused[0]?.strand ?? "nobody";
  await stage.strand(victim, stage.ordered, async (at) => {
    using outer = await stage.take(victim, at, a as unknown as RwLock, "demo again");
    using _inner = await stage.take(victim, outer, b as unknown as RwLock, "demo again");
  });
  return `${victim} asked last and was the one victim; the other went on, and both locks can be taken again`;
}

/** Wrong orders, refused although nobody stands in the way: by level, and within a level by what was seen before. */
async function inversion(stage: LockStage): Promise<string> {
  const locks = stage.ordered;
  const lock = (name: string, level: LevelName) => locks.getLock(name, level) as unknown as RwLock;
  const nested = (name: string, first: RwLock, second: RwLock, site: string) =>
    stage.strand(name, locks, async (at) => {
      using outer = await stage.take(name, at, first, `demo ${site} outer`);
      using _inner = await stage.take(name, outer, second, `demo ${site} inner`);
    });
  await nested("demo-1", lock("demo-b", "MINING"), lock("demo-a", "PEERS"), "downwards");
  const [c, d] = [lock("demo-c", "NETWORK"), lock("demo-d", "NETWORK")];
  await nested("demo-2", c, d, "first seen");
  await nested("demo-3", d, c, "turned round");
  return "each wrong order was refused before any wait, on the first run, without bad luck in timing";
}

/** Readers in the stream of which there is always one inside. */
const READERS = 6;
const READ_MS = 4;
/** How long the stream runs before the writer asks, and after it has left. */
const STREAM_MS = 60;

/** A stream of readers without a gap, and a writer that wants in. */
async function starvation(stage: LockStage): Promise<string> {
  const locks = stage.ordered;
  const lock = locks.getLock("demo-a", "PEERS");
  const stream = { reads: 0, inside: 0, gaps: 0, ended: false };
  const read = async () => {
    stream.reads++;
    stream.inside++;
    await sleep(READ_MS);
    stream.inside--;
    if (stream.inside === 0) stream.gaps++;
  };
  const readers = Array.from({ length: READERS }, (_, n) =>
    stage.strand(`demo-reader-${n + 1}`, locks, async (at) => {
      await sleep((n * READ_MS) / READERS);
      while (!stream.ended) await lock.withRead(at, read, { site: "demo read" });
    }),
  );
  try {
    await sleep(STREAM_MS);
    stage.say("demo-readers", `${stream.reads} reads so far, ${stream.gaps} moments without a reader inside`);
    await stage.strand("demo-writer", locks, async (at) => {
      const { reads } = stream;
      const askedMs = stage.nowMs();
      using _inside = await stage.take("demo-writer", at, lock as unknown as RwLock, "demo write");
      const waitedMs = (stage.nowMs() - askedMs).toFixed(1);
      stage.say("demo-writer", `waited ${waitedMs} ms for the readers inside; ${stream.reads - reads} others came in before it`);
      const { waitingReaders } = locks.getAllStats()[lock.name]!;
      stage.say("demo-writer", `leaves; ${waitingReaders} readers wait and come in together`);
    });
    await sleep(STREAM_MS);
  } finally {
    stream.ended = true;
    await Promise.all(readers);
  }
  stage.say("demo-readers", `${stream.reads} reads in all`);
  return "the readers never left by themselves, yet the writer waited for those inside only; no reader waited for more than one writer";
}
