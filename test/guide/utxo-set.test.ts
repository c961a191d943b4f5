import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import { type GuideUtxo, GuideUtxoSet } from "./utxo-set.ts";

const utxo = (amount: number, address: string, txId: string): GuideUtxo => ({ amount, address, tx_id: txId, output_index: 0 });

test("test_concurrent_utxo_updates: ten threads make a hundred coins each, and every update succeeds", async () => {
  const set = new GuideUtxoSet(new LockManager());
  const workers = Array.from({ length: 10 }, (_, workerId) => run(set, workerId));
  await Promise.all(workers);
  expect(set.table.count).toBe(1_000);
  expect(set.table.version).toBe(1_000);
  expect(set.table.statistics().conflicts).toBe(0);
  for (let workerId = 0; workerId < 10; workerId++) {
    const utxos = set.get_utxos_for_address(`worker_${workerId}_address`);
    expect(utxos.length).toBe(100);
    expect(set.get_balance(`worker_${workerId}_address`)).toBe(utxos.reduce((sum, { amount }) => sum + amount, 0));
  }
});

function run(set: GuideUtxoSet, workerId: number): Promise<void> {
  const worker = new Worker(new URL("./utxo-worker.ts", import.meta.url), { workerData: { workerId, seed: workerId * 13 } });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.on("message", async (message: { updates?: Record<string, GuideUtxo | null> }) => {
      if (message.updates === undefined) return resolve();
      worker.postMessage(await set.atomic_update(message.updates));
    });
  });
}

test("the guide's document comes back as it was put in", async () => {
  const set = new GuideUtxoSet(new LockManager());
  await set.atomic_update({
    "tx_1:0": utxo(50, "alice", "tx_1"),
    "tx_2:0": { ...utxo(7, "", "tx_2"), recipient_address: "bob" },
  });
  expect(set.get_utxo("tx_1:0")).toEqual(utxo(50, "alice", "tx_1"));
  expect(set.get_utxo("tx_9:0")).toBeUndefined();
  await set.atomic_update({ "tx_3:0": { amount: 7, recipient_address: "bob", tx_id: "tx_3", output_index: 0 } });
  expect(set.get_balance("bob")).toBe(7);
});

test("null removes, and removing what is not there is refused as a whole", async () => {
  const set = new GuideUtxoSet(new LockManager());
  expect(await set.atomic_update({ "tx_1:0": utxo(50, "alice", "tx_1") })).toBe(true);
  expect(await set.atomic_update({ "tx_1:0": null, "tx_2:0": null })).toBe(false);
  expect(set.get_balance("alice")).toBe(50);
  expect(await set.atomic_update({ "tx_1:0": null })).toBe(true);
  expect(set.get_balance("alice")).toBe(0);
});

test("create_snapshot costs no copy, is the same for one version, and five are kept", async () => {
  const set = new GuideUtxoSet(new LockManager());
  const [version, snapshot] = set.create_snapshot();
  expect(set.create_snapshot()).toEqual([version, snapshot]);
  expect(set.create_snapshot()[1]).toBe(snapshot);
  for (let n = 0; n < 8; n++) {
    await set.atomic_update({ [`tx_${n}:0`]: utxo(1, "alice", `tx_${n}`) });
    set.create_snapshot();
  }
  expect(set.table.snapshotNames()).toEqual([4, 5, 6, 7, 8].map((n) => `version-${n}`));
});
