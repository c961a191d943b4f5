import { expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import { synchronizedBy } from "../../src/core/locks/synchronized.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("decorated methods exclude each other, keep their this, their arguments and their result, and release on throw", async () => {
  const synchronized = synchronizedBy(new LockManager());
  class Account {
    balance = 0;
    @synchronized("account", "MEMPOOL")
    async add(amount: number): Promise<number> {
      if (amount < 0) throw new RangeError("negative");
      const before = this.balance;
      await turn();
      this.balance = before + amount;
      return this.balance;
    }
  }
  const account = new Account();
  await Promise.all(Array.from({ length: 20 }, () => account.add(2)));
  await expect(account.add(-1)).rejects.toThrow(RangeError);
  expect(await account.add(0)).toBe(40);
});

test("wrapped readers run side by side", async () => {
  const read = synchronizedBy(new LockManager())("shared", "UTXO_SET", "read");
  let inside = 0;
  let most = 0;
  const reader = read(async () => {
    most = Math.max(most, ++inside);
    await turn();
    inside--;
  });
  await Promise.all([reader(), reader(), reader()]);
  expect(most).toBe(3);
});

test("a call from inside another goes on as the same strand: upwards it passes, downwards it is refused", async () => {
  const synchronized = synchronizedBy(new LockManager());
  const upper = synchronized("upper", "NETWORK")(async () => "upper");
  const lower = synchronized("lower", "BLOCKCHAIN")(() => upper());
  expect(await lower()).toBe("upper");
  const wrong = synchronized("mining", "MINING")(() => lower());
  await expect(wrong()).rejects.toThrow(/^Deadlock detected/);
  expect(await lower()).toBe("upper");
});
