import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { SPEND_KINDS, signedSpend } from "../../src/core/bench/signed-spends.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Height, Sats } from "../../src/core/primitives/units.ts";
import { MANDATORY_FLAGS, STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import type { SignatureEngine } from "../../src/core/verify/engine.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { createVerifier, type ScriptVerifier } from "../../src/core/verify/verifier.ts";
import type { VerifyJob } from "../../src/core/verify/verify-call.ts";

const opened: ScriptVerifier[] = [];
function open(...args: Parameters<typeof createVerifier>): ScriptVerifier {
  const verifier = createVerifier(...args);
  opened.push(verifier);
  return verifier;
}
const folder = mkdtempSync(join(tmpdir(), "verifier-"));
afterEach(async () => {
  await Promise.all(opened.splice(0).map((verifier) => verifier.close()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function job(seed: number, inputs = 1): VerifyJob {
  const { tx, spent } = signedSpend(SPEND_KINDS[seed % SPEND_KINDS.length]!, inputs, seed);
  const coins = spent.map(
    ({ value, script }): Coin => ({ value: value as Sats, script, height: 1 as Height, isCoinbase: false }),
  );
  return { tx, spent: coins, flags: STANDARD_FLAGS };
}

/** The same with one input whose amount is not the one that was signed; P2PKH would not mind. */
function spoiled(good: VerifyJob, input: number): VerifyJob {
  return { ...good, spent: good.spent.map((coin, i) => (i === input ? { ...coin, value: (coin.value + 1) as Sats } : coin)) };
}

const jobs = Array.from({ length: 40 }, (_, seed) => job(seed));
const wide = job(1, 200);
const isSpoiled = (index: number) => index % 4 !== 0 && index % 5 === 1;

/** Counts what it is asked. */
function counting(): SignatureEngine & { count: number } {
  const engine = defaultSignatureEngine();
  const counter = {
    name: engine.name,
    count: 0,
    isTweaked: engine.isTweaked,
    ecdsa(...args: Parameters<SignatureEngine["ecdsa"]>) {
      counter.count++;
      return engine.ecdsa(...args);
    },
    schnorr(...args: Parameters<SignatureEngine["schnorr"]>) {
      counter.count++;
      return engine.schnorr(...args);
    },
  };
  return counter;
}

describe.each([0, 1, 2])("with %i threads", (workers) => {
  test("gives each job its verdict, in the order of the jobs", async () => {
    const mixed = jobs.map((one, i) => (isSpoiled(i) ? spoiled(one, 0) : one));
    const verdicts = await open({ workers }).verify([...mixed, spoiled(wide, 190)]);
    expect(verdicts.slice(0, -1).map((verdict) => verdict?.input)).toEqual(jobs.map((_, i) => (isSpoiled(i) ? 0 : undefined)));
    expect(verdicts.at(-1), "an input of a later part").toEqual({ input: 190, error: "NULLFAIL" });
  });

  test("answers calls that come together each with its own verdict", async () => {
    const verifier = open({ workers });
    const answers = await Promise.all(jobs.map((one, i) => verifier.verify([i === 7 ? spoiled(one, 0) : one])));
    expect(answers.map(([verdict]) => verdict?.error)).toEqual(jobs.map((_, i) => (i === 7 ? "NULLFAIL" : undefined)));
  });

  test("refuses when it is closed, and what was under way", async () => {
    const verifier = open({ workers });
    const underWay = verifier.verify([wide, wide]);
    const refused = expect(underWay).rejects.toMatchObject({ code: "verifier-closed" });
    await verifier.close();
    await refused;
    await expect(verifier.verify([jobs[0]!])).rejects.toMatchObject({ code: "verifier-closed" });
  });
});

test("an aborted call stops waiting and its work is dropped", async () => {
  const engine = counting();
  const verifier = open({ workers: 0 }, { engine });
  const abort = new AbortController();
  const aborted = verifier.verify([wide], { signal: abort.signal });
  abort.abort(new Error("no longer needed"));
  await expect(aborted).rejects.toThrow("no longer needed");
  await verifier.verify([jobs[0]!]);
  expect(engine.count).toBe(1);
});

test("what has passed is not checked again under the same or fewer flags", async () => {
  const engine = counting();
  const verifier = open({ workers: 0 }, { engine });
  const one = jobs[1]!;
  await verifier.verify([{ ...one, flags: MANDATORY_FLAGS }]);
  expect(engine.count).toBe(1);
  await verifier.verify([{ ...one, flags: STANDARD_FLAGS }]);
  expect(engine.count, "more flags are another question").toBe(2);
  await verifier.verify([{ ...one, flags: STANDARD_FLAGS }]);
  await verifier.verify([{ ...one, flags: MANDATORY_FLAGS }]);
  expect(engine.count).toBe(2);
});

test("what has failed is not remembered, and the memory is bounded", async () => {
  const engine = counting();
  const verifier = open({ workers: 0, rememberedMax: 2 }, { engine });
  const [a, b, c] = [jobs[1]!, jobs[5]!, jobs[9]!];
  await verifier.verify([spoiled(a, 0)]);
  await verifier.verify([spoiled(a, 0)]);
  expect(engine.count).toBe(2);
  await verifier.verify([a, b, c]);
  expect(engine.count).toBe(5);
  await verifier.verify([b, c]);
  expect(engine.count).toBe(5);
  await verifier.verify([a]);
  expect(engine.count, "the oldest was forgotten").toBe(6);
});

/** Threads that end over a part, after so many that they have settled; so many of them before one works. */
function dyingThreads(deaths: number, partsBefore = 0): URL {
  const log = join(folder, `deaths-${deaths}-${partsBefore}`);
  writeFileSync(log, "");
  Object.assign(process.env, {
    TEST_DEATHS_LOG: log,
    TEST_DEATHS: String(deaths),
    TEST_PARTS_BEFORE_DEATH: String(partsBefore),
  }); // Threads start with a copy.
  return new URL("./dying-thread.ts", import.meta.url);
}

test("a transaction longer than the memory that is kept is verified too", async () => {
  const long = [0, 1, 2, 3].map((more) => {
    const { tx, spent } = jobs[1]!; // A key path: its signature covers the coin's script by hash.
    const others = Array.from({ length: 40 }, (_, i) => ({ ...spent[0]!, script: new Uint8Array(i === 0 ? more : 5_000) }));
    const scripts = [...spent, ...others];
    return { tx, spent: scripts, flags: STANDARD_FLAGS };
  });
  const verdicts = await open({ workers: 2 }).verify([...jobs.slice(2), ...long]);
  expect(verdicts).toEqual([...jobs.slice(2), ...long].map(() => undefined));
});

test("another thread takes over from those that die", async () => {
  const verdicts = await open({ workers: 2 }, { threadFile: dyingThreads(2) }).verify(jobs);
  expect(verdicts).toEqual(jobs.map(() => undefined));
});

test("what a thread has settled before it died counts, and what it has not is given out again", async () => {
  const verifier = open({ workers: 2 }, { threadFile: dyingThreads(4, 9) });
  const mixed = [...jobs, ...jobs, ...jobs].map((one, i) => (isSpoiled(i) ? spoiled(one, 0) : one));
  const verdicts = await verifier.verify([...mixed, spoiled(wide, 190), wide]);
  expect(verdicts.map((verdict) => verdict?.input)).toEqual([
    ...mixed.map((_, i) => (isSpoiled(i) ? 0 : undefined)),
    190,
    undefined,
  ]);
  expect(await verifier.verify(jobs), "and the next call finds threads").toEqual(jobs.map(() => undefined));
});

test("work that no thread survives is given up with a reason", async () => {
  const verifier = open({ workers: 1 }, { threadFile: dyingThreads(99) });
  await expect(verifier.verify(jobs)).rejects.toMatchObject({ code: "verifier-thread" });
});

test("a process does not end while its verifier closes, whenever its threads report", async () => {
  const file = fileURLToPath(new URL("./closing-process.ts", import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += String(data);
  });
  const [code] = (await once(child, "exit")) as [number];
  expect(code, errors).toBe(0); // 13: something that was awaited never came.
});

test("a thread that cannot even be made is told to whoever waits", async () => {
  const verifier = open({ workers: 2 }, { threadFile: new URL("https://example.org/thread.js") });
  await expect(verifier.verify(jobs)).rejects.toMatchObject({ code: "ERR_INVALID_URL_SCHEME" });
});

test("an aborted call leaves the threads to others", async () => {
  const verifier = open({ workers: 1 });
  await verifier.verify([jobs[0]!, jobs[1]!, jobs[2]!]); // The thread is there.
  const abort = new AbortController();
  const aborted = verifier.verify(
    Array.from({ length: 30 }, () => wide),
    { signal: abort.signal },
  ); // 6,000 signatures.
  const refused = expect(aborted).rejects.toThrow("no longer needed");
  abort.abort(new Error("no longer needed"));
  await refused;
  expect(await verifier.verify(jobs.slice(3))).toEqual(jobs.slice(3).map(() => undefined));
});

test("a job without inputs has nothing that could fail", async () => {
  const tx = Transaction.build({ version: 1, lockTime: 0, inputs: [], outputs: [] });
  expect(await open({ workers: 2 }).verify([{ tx, spent: [], flags: STANDARD_FLAGS }])).toEqual([undefined]);
});
