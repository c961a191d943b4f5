import { expect, test } from "vitest";
import { CoinTable } from "../../src/core/coins/table.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import { create } from "./conformance.ts";

test("the table changes only under UTXO_SET held for writing, and the compiler sees to it; a look needs no lock", async () => {
  const locks = new LockManager();
  const [coinsLock, mempoolLock] = [locks.getLock("coins", "UTXO_SET"), locks.getLock("mempool", "MEMPOOL")];
  const table = CoinTable.create({ clock: { monotonicMs: () => 0 } });
  const change = { spends: [], creates: [create(1)] };
  const forbidden = async (): Promise<void> => {
    await locks.task("forbidden", async (at) => {
      // @ts-expect-error nothing is held
      table.prepare(at, change);
      // @ts-expect-error held for reading only
      await coinsLock.withRead(at, (at) => table.prepare(at, change));
      // @ts-expect-error another lock
      await mempoolLock.withWrite(at, (at) => table.close(at));
      // @ts-expect-error nothing is held
      table.compact(at);
    });
  };
  expect(forbidden).toBeTypeOf("function");
  await locks.task("commit", (at) =>
    coinsLock.withWrite(at, (at) => {
      const commit = table.prepare(at, change);
      if ("publish" in commit) commit.publish();
    }),
  );
  expect(table.find(create(1).outpoint)?.value).toBe(1);
});
