import { expect, test } from "vitest";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { DecodeError } from "../../src/core/encoding/reader.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { SCRIPT_ERRORS } from "../../src/core/script/script-error.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData, testJson } from "../support/test-data.ts";
import { parseScript } from "./core-script.ts";
import { ALL_FLAGS, fillFlags, seededRandom } from "./flag-sets.ts";
import { checkedVerdict, credulous, type FuzzCase, randomSpend } from "./random-scripts.ts";
import { readTaprootCase, taprootCases } from "./taproot-cases.ts";

const SECONDS = 30;
const engine = defaultSignatureEngine();
const checker = credulous(engine);

/** Of this thread: what neighbours do is not counted. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Runs cases for SECONDS; a failure names the seed and the case. */
function fuzz(what: string, next: (random: (below: number) => number) => FuzzCase | undefined): void {
  const seed = Date.now() >>> 0;
  const random = seededRandom(seed);
  const verdicts = new Map<string, number>();
  let cases = 0;
  let slowest = { ms: 0, raw: "" };
  for (const end = performance.now() + 1000 * SECONDS; performance.now() < end; ) {
    const one = next(random);
    if (one === undefined) continue;
    const start = threadCpuMs();
    const title = `seed ${seed}, case ${cases}: ${Buffer.from(one.tx.raw).toString("hex")}, flags ${one.flags}`;
    let verdict = "OK";
    expect(() => {
      verdict = checkedVerdict(one, random(ALL_FLAGS + 1), checker)?.error ?? "OK";
    }, title).not.toThrow();
    const ms = threadCpuMs() - start;
    if (ms > slowest.ms) slowest = { ms, raw: Buffer.from(one.tx.raw).toString("hex").slice(0, 200) };
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    cases++;
  }
  expect([...verdicts.keys()].filter((name) => !SCRIPT_ERRORS.includes(name as never))).toEqual([]);
  expect(verdicts.get("OK") ?? 0).toBeGreaterThan(0);
  console.info(
    `${what}: seed ${seed}, ${cases} cases, ${verdicts.size} verdicts, slowest ${slowest.ms.toFixed(1)} ms: ${slowest.raw}...`,
  );
}

test(`random scripts of every version end in a verdict, for ${SECONDS} s`, () => {
  fuzz("random scripts", (random) => randomSpend(random, fillFlags(random(ALL_FLAGS + 1))));
});

test.skipIf(!hasTestData)(`changed vector transactions end in a verdict, for ${SECONDS} s`, () => {
  const vectors = [...coreTransactions(), ...taprootTransactions()];
  fuzz("changed transactions", (random) => {
    const { tx, spent } = vectors[random(vectors.length)]!;
    const changed = decode(mutate(tx.raw, random));
    if (changed === undefined || changed.inputCount === 0) return undefined;
    const coins = Array.from({ length: changed.inputCount }, (_, i) => spent[i % spent.length]!);
    return { tx: changed, spent: coins, flags: fillFlags(random(ALL_FLAGS + 1)) };
  });
});

type Vector = Omit<FuzzCase, "flags">;

function coreTransactions(): readonly Vector[] {
  type Line = readonly [prevouts: readonly [string, number, string, number?][], tx: string];
  return ["tx_valid", "tx_invalid"].flatMap((name) =>
    testJson<Line[]>(`vectors/core/${name}.json`)
      .filter((line) => Array.isArray(line[0]))
      .map(([prevouts, tx]) => ({
        tx: Transaction.decode(hexToBytes(tx)),
        spent: prevouts.map(([, , script, value]) => ({ value: value ?? 0, script: parseScript(script) })),
      })),
  );
}

function taprootTransactions(): readonly Vector[] {
  return taprootCases()
    .filter((_, i) => i % 10 === 0)
    .map(readTaprootCase)
    .map(({ success, spent }) => ({ tx: success, spent }));
}

function decode(bytes: Uint8Array): Transaction | undefined {
  try {
    return Transaction.decode(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** A few bytes changed, or none: the vectors themselves belong to the mix. */
function mutate(raw: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from(raw);
  for (let i = random(4); i > 0; i--) bytes[random(bytes.length)] = random(3) ? bytes[random(bytes.length)]! : random(256);
  return bytes;
}
