import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { AtomicCounter } from "../../src/core/locks/counter.ts";
import { TransactionQueue } from "../../src/core/locks/queue.ts";
import type { QueueJob } from "./queue-worker.ts";

function start<R>(job: QueueJob): { worker: Worker; result: Promise<R> } {
  const worker = new Worker(new URL("./queue-worker.ts", import.meta.url), { workerData: job });
  const result = new Promise<R>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { worker, result };
}

test("four threads add a million each to one counter and none is lost", async () => {
  const counter = new AtomicCounter(5);
  await Promise.all([0, 1, 2, 3].map((id) => start({ role: "count", id, items: 1_000_000, counter: counter.handle() }).result));
  expect(counter.value).toBe(4_000_005);
});

test("compare and swap writes only over the value that was expected", () => {
  const counter = new AtomicCounter(-7);
  expect([counter.compareAndSwap(0, 9), counter.value]).toEqual([false, -7]);
  expect([counter.compareAndSwap(-7, 2 ** 50), counter.value]).toEqual([true, 2 ** 50]);
  expect([counter.increment(), counter.decrement(2)]).toEqual([2 ** 50 + 1, 2 ** 50 - 1]);
});

test("items come out once each and in the order in which their producer put them in", async () => {
  const items = 20_000;
  const queue = TransactionQueue.create<[number, number]>({ capacity: 64, itemBytesMax: 64 });
  const producers = [0, 1, 2].map((id) => start<number>({ role: "produce", id, items, queue: queue.handle() }).result);
  const consumers = [0, 1].map((id) => start<[number, number][]>({ role: "consume", id, items, queue: queue.handle() }).result);
  await Promise.all(producers);
  for (const _ of consumers) await queue.put([-1, 0]);
  const lists = await Promise.all(consumers);
  for (const list of lists) {
    const last = [-1, -1, -1];
    for (const [producer, n] of list) {
      expect(n).toBeGreaterThan(last[producer]!);
      last[producer] = n;
    }
  }
  const all = new Set(lists.flat().map(([producer, n]) => producer * items + n));
  expect([all.size, lists.flat().length]).toEqual([3 * items, 3 * items]);
});

test("a full queue refuses at once or after the limit, an empty one gives nothing", async () => {
  const queue = TransactionQueue.create<number>({ capacity: 4, itemBytesMax: 32 });
  for (let n = 0; n < 4; n++) expect(queue.tryPut(n)).toBe(true);
  expect([queue.tryPut(4), await queue.put(4, 0), await queue.put(4, 5), queue.putSync(4, 5)]).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect([queue.tryGet(), queue.tryGet(), queue.tryGet(), queue.tryGet(), queue.tryGet()]).toEqual([0, 1, 2, 3, undefined]);
  expect([await queue.get(0), await queue.get(5), queue.getSync(5)]).toEqual([undefined, undefined, undefined]);
});

test("somebody who waits is woken by the other side", async () => {
  const queue = TransactionQueue.create<string>({ capacity: 1, itemBytesMax: 64 });
  const taken = queue.get();
  expect(await queue.put("first")).toBe(true);
  expect(await taken).toBe("first");
  expect(queue.tryPut("second")).toBe(true);
  const placed = queue.put("third");
  expect(queue.tryGet()).toBe("second");
  expect(await placed).toBe(true);
  expect(await queue.get()).toBe("third");
});

test("threads that die in the middle of a put or get take one slot each and stop nobody", async () => {
  const queue = TransactionQueue.create<[number, number]>({ capacity: 64, itemBytesMax: 64 });
  for (let round = 0; round < 6; round++) {
    const producer = start({ role: "produce", id: 0, items: 1e9, queue: queue.handle() });
    const consumer = start({ role: "consume", id: 1, items: 0, queue: queue.handle() });
    producer.result.catch(() => undefined);
    consumer.result.catch(() => undefined);
    await queue.get(30_000);
    await Promise.all([producer.worker.terminate(), consumer.worker.terminate()]);
  }
  while (queue.tryGet() !== undefined);
  let room = 0;
  while (queue.tryPut([0, room])) room++;
  expect(room).toBeGreaterThanOrEqual(64 - 12);
  for (let n = 0; n < room; n++) expect(queue.tryGet()).toEqual([0, n]);
  expect(queue.tryGet()).toBeUndefined();
});

test("the size is what was put and not yet taken, also after takers found nothing, and never above the capacity", async () => {
  const queue = TransactionQueue.create<number>({ capacity: 4 });
  const sizes: number[] = [];
  for (let round = 0; round < 40; round++) {
    for (let n = 0; n < 5; n++) queue.tryPut(n);
    sizes.push(queue.size);
    queue.tryGet();
    sizes.push(queue.size);
    for (let n = 0; n < round % 17; n++) queue.tryGet();
    sizes.push(queue.size);
    while (queue.tryGet() !== undefined);
  }
  expect(sizes).toEqual(Array.from({ length: 40 }, (_, round) => [4, 3, Math.max(0, 3 - (round % 17))]).flat());
  expect(TransactionQueue.attach<number>(queue.handle()).size).toBe(0);
});

test("an item that is too large and sizes that cannot be are refused in a sentence", () => {
  const queue = TransactionQueue.create<Uint8Array>({ capacity: 2, itemBytesMax: 8 });
  expect(() => queue.tryPutBytes(new Uint8Array(9))).toThrow(/9 bytes.*at most 8/);
  expect(() => TransactionQueue.create({ capacity: 0 })).toThrow(/1 to 1048576 items/);
});
