import fc from "fast-check";
import { expect, test } from "vitest";
import { difficultyOf } from "../../src/core/mining/difficulty.ts";
import { readRequest } from "../../src/core/stratum/protocol.ts";
import { ShareLedger, type WorkerShares } from "../../src/core/stratum/share-ledger.ts";
import { HASHES_PER_DIFFICULTY, targetOfDifficulty, VarDiff } from "../../src/core/stratum/vardiff.ts";
import { seededNumbers } from "../support/seeded.ts";

test("no line makes the reader throw", () => {
  const json = fc.json().map(String);
  const call = fc.record({
    id: fc.jsonValue(),
    method: fc.constantFrom("mining.submit", "mining.authorize", "mining.subscribe", "mining.configure"),
    params: fc.jsonValue(),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        json,
        call.map((value) => JSON.stringify(value)),
      ),
      (line) => {
        expect(readRequest(line).kind).toBeTypeOf("string");
      },
    ),
    { numRuns: 500 },
  );
});

/** Shares come at random as a miner of `rate` finds them; what does the measure say after so many seconds? */
function measured(rate: number, guess: number, seconds: number, seed = 5): { readonly rate: number; readonly shares: number } {
  const next = seededNumbers(seed);
  const vardiff = new VarDiff({ shareSeconds: 5, rateGuess: guess }, 0);
  let nowMs = 0;
  let shares = 0;
  let nextShareMs = 0;
  const draw = () => (-Math.log((next() + 1) / 2 ** 32) * vardiff.difficulty * HASHES_PER_DIFFICULTY * 1000) / rate;
  nextShareMs = draw();
  for (; nowMs < seconds * 1000; nowMs += 1_000) {
    while (nextShareMs <= nowMs) {
      vardiff.addShare(vardiff.difficulty);
      if (nowMs > (seconds / 2) * 1000) shares++;
      nextShareMs += draw();
    }
    if (vardiff.retune(nowMs)) nextShareMs = nowMs + draw();
  }
  return { rate: vardiff.hashesPerSecond, shares };
}

test.each([
  { name: "a miner far faster than guessed", rate: 1e12, guess: 5e6 },
  { name: "a miner far slower than guessed", rate: 1e4, guess: 5e6 },
  { name: "a miner as guessed", rate: 5e6, guess: 5e6 },
])("finds the difficulty at which shares come about every five seconds: $name", ({ rate, guess }) => {
  const found = measured(rate, guess, 1_200);
  expect(found.rate / rate).toBeGreaterThan(0.3);
  expect(found.rate / rate).toBeLessThan(3);
  expect(found.shares).toBeGreaterThan(60);
  expect(found.shares).toBeLessThan(240);
});

test("difficulty 1 is the target of Bitcoin's first block, and less is easier", () => {
  expect(targetOfDifficulty(1)).toBe(0xffffn << 208n);
  expect(targetOfDifficulty(0.5)).toBe(0xffffn << 209n);
  expect(targetOfDifficulty(1e-30)).toBe(2n ** 256n - 1n);
  expect(difficultyOf(targetOfDifficulty(1234.5))).toBeCloseTo(1234.5, 3);
});

test("a ledger keeps what it was given across a restart, and writes only what changed", async () => {
  let stored: Readonly<Record<string, WorkerShares>> = {};
  let saves = 0;
  const store = {
    load: async () => stored,
    save: async (workers: Readonly<Record<string, WorkerShares>>) => {
      stored = structuredClone(workers);
      saves++;
    },
  };
  const ledger = await ShareLedger.open(store);
  ledger.add("alice", "accepted", 2, 10);
  ledger.add("alice", "block", 3, 11);
  ledger.add("alice", "rejected", 0, 12);
  await ledger.flush();
  await ledger.flush();
  expect(saves).toBe(1);
  const again = await ShareLedger.open(store);
  expect(again.get("alice")).toEqual({ accepted: 2, rejected: 1, work: 5, blocks: 1, lastShare: 11 });
  expect(again.get("bob")).toEqual({ accepted: 0, rejected: 0, work: 0, blocks: 0, lastShare: 0 });
});

test("invented worker names do not grow a ledger without end", async () => {
  const ledger = await ShareLedger.open();
  for (let name = 0; name < 10_100; name++) ledger.add(`worker${name}`, "accepted", 1, 0);
  expect(Object.keys(ledger.entries())).toHaveLength(10_001);
  expect(ledger.get("(others)").accepted).toBe(100);
});
