import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { createScanner, type KernelModule, type KernelName } from "./kernel.ts";
import { WorkSpace, type WorkSpaceHandle } from "./work-space.ts";
import { WorkerLoop } from "./worker-loop.ts";

/** What a miner's worker thread is started with. */
export interface WorkerSetup {
  readonly space: WorkSpaceHandle;
  readonly worker: number;
  readonly module: KernelModule;
  readonly kernel: KernelName;
  /** Added to the thread's priority number; 0 leaves it. */
  readonly nice: number;
}

const setup = workerData as WorkerSetup;
// On Linux "process 0" is the calling thread; elsewhere it is the whole process, which must not be slowed down.
if (setup.nice !== 0 && process.platform === "linux") setPriority(0, setup.nice);
const scanner = createScanner(setup.module, setup.kernel);
new WorkerLoop(WorkSpace.attach(setup.space), setup.worker, scanner, (message) => parentPort!.postMessage(message)).run();
