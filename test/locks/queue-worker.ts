import { parentPort, workerData } from "node:worker_threads";
import { AtomicCounter, type AtomicCounterHandle } from "../../src/core/locks/counter.ts";
import { TransactionQueue, type TransactionQueueHandle } from "../../src/core/locks/queue.ts";

export interface QueueJob {
  readonly role: "produce" | "consume" | "count";
  readonly id: number;
  readonly items: number;
  readonly queue?: TransactionQueueHandle;
  readonly counter?: AtomicCounterHandle;
}

const job = workerData as QueueJob;

function produce(queue: TransactionQueue<[number, number]>): number {
  for (let n = 0; n < job.items; n++) if (!queue.putSync([job.id, n], 60_000)) throw new Error("no room for a minute");
  return job.items;
}

function consume(queue: TransactionQueue<[number, number]>): [number, number][] {
  const got: [number, number][] = [];
  for (;;) {
    const item = queue.getSync(60_000);
    if (item === undefined) throw new Error("nothing for a minute");
    if (item[0] < 0) return got;
    got.push(item);
  }
}

if (job.role === "count") {
  const counter = AtomicCounter.attach(job.counter!);
  for (let n = 0; n < job.items; n++) counter.increment();
  parentPort!.postMessage(job.items);
} else {
  const queue = TransactionQueue.attach<[number, number]>(job.queue!);
  parentPort!.postMessage(job.role === "produce" ? produce(queue) : consume(queue));
}
