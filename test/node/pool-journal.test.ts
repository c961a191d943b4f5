import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signedSpend } from "../../src/core/bench/signed-spends.ts";
import { PoolJournal } from "../../src/core/node/pool-journal.ts";
import type { Log } from "../../src/core/ports.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const transactions = [0, 1, 2, 3].map((seed) => signedSpend("P2WPKH", 1 + seed, seed).tx);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pool-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, "mempool.dat");
const open = () => new PoolJournal(path(), QUIET);
const idsIn = async (journal: PoolJournal) => (await journal.read()).map((tx: Transaction) => tx.txid);
const ids = (...indexes: readonly number[]) => indexes.map((index) => transactions[index]!.txid);

test("what was appended stands in the file once that is said, whoever closes it", async () => {
  const journal = open();
  const [first, second] = [journal.append(transactions[0]!), journal.append(transactions[1]!)];
  await first;
  expect(await idsIn(open()), "one write for a turn of the event loop").toEqual(ids(0, 1));
  await second;
  await journal.append(transactions[2]!);
  expect(await idsIn(open())).toEqual(ids(0, 1, 2));
  expect(journal.bytes).toBe(readFileSync(path()).length);
});

test("closing writes what is pending, and is waited for by nobody in vain", async () => {
  const journal = open();
  const written = journal.append(transactions[0]!);
  journal.close();
  expect(await idsIn(open())).toEqual(ids(0));
  await written;
});

test("rewriting leaves what waits, and goes on behind it", async () => {
  const journal = open();
  await Promise.all(transactions.slice(0, 3).map((tx) => journal.append(tx)));
  await journal.rewrite([transactions[2]!]);
  await journal.append(transactions[3]!);
  expect(await idsIn(open())).toEqual(ids(2, 3));
});

test("a torn end is left out", async () => {
  const journal = open();
  await Promise.all(transactions.slice(0, 2).map((tx) => journal.append(tx)));
  truncateSync(path(), journal.bytes - 1);
  expect(await idsIn(open())).toEqual(ids(0));
  appendFileSync(path(), new Uint8Array(3));
  expect((await open().read()).length).toBeLessThan(3);
});
