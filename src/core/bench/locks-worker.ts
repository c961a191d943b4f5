import { parentPort, workerData } from "node:worker_threads";
import { LockManager } from "../locks/manager.ts";
import { LockSpace, type SpaceHandle } from "../locks/space.ts";

/** Takes the lock and never gives it back: for the time that a dead thread's lock is away. */
const manager = new LockManager(LockSpace.attach(workerData as SpaceHandle));
const lock = manager.getLock("bench dead", "MEMPOOL");
void manager.task("dies", (at) => {
  lock.acquireSync(at, "write");
  parentPort!.postMessage("held");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
