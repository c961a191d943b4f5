import { parentPort, workerData } from "node:worker_threads";
import { LockManager } from "../../../src/core/locks/manager.ts";
import { LockSpace } from "../../../src/core/locks/space.ts";

/* Does one thing with a lock, tells, and waits for its end. */

const locks = new LockManager(LockSpace.attach(workerData.handle));
const lock = locks.getLock("mining", "MINING");
await locks.task("worker", async (at) => {
  if (workerData.act === "hold") {
    lock.acquireSync(at, "write", { site: "worker-hold" });
    parentPort!.postMessage("held");
  } else {
    parentPort!.postMessage("asks");
    using _guard = lock.acquireSync(at, "write", { site: "worker-wait" });
    parentPort!.postMessage("held");
    return;
  }
  await new Promise((resolve) => parentPort!.once("message", resolve));
});
