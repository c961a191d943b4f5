import { parentPort, workerData } from "node:worker_threads";
import type { LockContext } from "../../../src/core/locks/context.ts";
import type { LevelName, Mode } from "../../../src/core/locks/levels.ts";
import { LockManager } from "../../../src/core/locks/manager.ts";
import { LockSpace } from "../../../src/core/locks/space.ts";
import { randomOf } from "./random.ts";
import { LEVELS } from "./stress-task.ts";

/* Takes and gives back locks in every way, as fast as it can, until it is terminated in the middle of something. */

interface AnyLock {
  acquire(at: LockContext, mode: Mode, options: object): Promise<Disposable>;
  acquireSync(at: LockContext, mode: Mode, options: object): Disposable;
}

const random = randomOf(workerData.seed);
const locks = new LockManager(LockSpace.attach(workerData.handle));
const named = LEVELS.map((level: LevelName) => locks.getLock(level.toLowerCase(), level) as unknown as AnyLock);
const options = () => ({ poisoned: "accept", timeoutMs: random(4) === 0 ? random(2) : 1000 });
const mode = (): Mode => (random(3) === 0 ? "write" : "read");
const quietly = (error: unknown) => {
  if (!(error instanceof Error && "code" in error && String(error.code).startsWith("lock-"))) throw error;
};

function blocking(at: LockContext): void {
  for (let i = 0; i < 200; i++) {
    try {
      const first = random(LEVELS.length);
      using outer = named[first]!.acquireSync(at, mode(), options());
      if ("clearPoison" in outer) (outer.clearPoison as () => void)();
      if (first + 1 < LEVELS.length && random(2) === 0) named[first + 1]!.acquireSync(at, mode(), options())[Symbol.dispose]();
    } catch (error) {
      quietly(error);
    }
  }
}

async function parked(at: LockContext): Promise<void> {
  for (let i = 0; i < 100; i++) {
    try {
      using guard = await named[random(LEVELS.length)]!.acquire(at, mode(), options());
      if ("clearPoison" in guard) (guard.clearPoison as () => void)();
      if (random(4) === 0) await null;
    } catch (error) {
      quietly(error);
    }
  }
}

parentPort!.postMessage("ready");
for (;;) {
  if (random(2) === 0) await locks.task("blocking", blocking);
  else await Promise.all([locks.task("parked", parked), locks.task("parked", parked)]);
  await new Promise(setImmediate);
}
