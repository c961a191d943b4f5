import type { LockContext } from "../../../src/core/locks/context.ts";
import { DeadlockError, LockTimeoutError } from "../../../src/core/locks/errors.ts";
import type { LevelName, Mode } from "../../../src/core/locks/levels.ts";
import { LockManager } from "../../../src/core/locks/manager.ts";
import { LockSpace, type SpaceHandle } from "../../../src/core/locks/space.ts";
import { randomOf } from "./random.ts";

export const LEVELS: readonly LevelName[] = ["BLOCKCHAIN", "UTXO_SET", "MEMPOOL", "PEERS"];
/** Words of data that each lock guards: written one after the other, so that a torn read shows. */
export const DATA_WORDS = 16;

export interface StressJob {
  readonly handle: SpaceHandle;
  readonly data: SharedArrayBuffer;
  readonly seconds: number;
  readonly tasks: number;
  readonly seed: number;
  /** Some acquisitions block the thread. */
  readonly blocks: boolean;
}

export interface StressResult {
  /** Writes done, by lock. */
  readonly written: number[];
  reads: number;
  torn: number;
  timeouts: number;
  deadlocks: number;
  aborts: number;
}

/** As if the compiler had not been asked: the order is chosen at run time. */
interface AnyLock {
  acquire(at: LockContext, mode: Mode, options: object): Promise<Disposable>;
  acquireSync(at: LockContext, mode: Mode, options: object): Disposable;
}

/** Runs the tasks of one thread. */
export async function stressTasks(job: StressJob): Promise<StressResult> {
  const locks = new LockManager(LockSpace.attach(job.handle));
  const named = LEVELS.map((level) => locks.getLock(level.toLowerCase(), level) as unknown as AnyLock);
  const data = new Int32Array(job.data);
  const result: StressResult = { written: LEVELS.map(() => 0), reads: 0, torn: 0, timeouts: 0, deadlocks: 0, aborts: 0 };
  const random = randomOf(job.seed);
  const end = performance.now() + job.seconds * 1000;
  const pause = async () => {
    if (random(3) === 0) await null;
    if (random(40) === 0) await new Promise(setImmediate);
  };
  const inside = async (lock: number, mode: Mode) => {
    const at = lock * DATA_WORDS;
    const before = data[at]!;
    if (mode === "read") {
      await pause();
      for (let i = 1; i < DATA_WORDS; i++) if (data[at + i] !== before) result.torn++;
      if (data[at] !== before) result.torn++;
      result.reads++;
      return;
    }
    data[at] = before + 1;
    await pause();
    for (let i = 1; i < DATA_WORDS; i++) data[at + i] = data[at + i]! + 1;
    result.written[lock]!++;
  };
  /** One lock, or two in their order. */
  const some = (): number[] => {
    const first = random(LEVELS.length);
    const second = first + 1 + random(LEVELS.length);
    return random(3) === 0 && second < LEVELS.length ? [first, second] : [first];
  };
  const nested = async (at: LockContext, order: readonly number[]): Promise<void> => {
    const [lock, ...rest] = order;
    if (lock === undefined) return;
    const mode: Mode = random(4) === 0 ? "write" : "read";
    const options = {
      site: `stress-${random(3)}`,
      ...(random(6) === 0 ? { timeoutMs: random(3) } : {}),
      ...(random(12) === 0 ? { signal: AbortSignal.timeout(random(2)) } : {}),
    };
    const blocks = job.blocks && random(3) === 0;
    using _guard = blocks ? named[lock]!.acquireSync(at, mode, options) : await named[lock]!.acquire(at, mode, options);
    await inside(lock, mode);
    await nested(at, rest);
  };
  const task = async (at: LockContext) => {
    while (performance.now() < end) {
      try {
        await nested(at, some());
      } catch (error) {
        if (error instanceof LockTimeoutError) result.timeouts++;
        else if (error instanceof DeadlockError) result.deadlocks++;
        else if (error instanceof DOMException) result.aborts++;
        else throw error;
      }
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: job.tasks }, (_, i) => locks.task(`stress ${i}`, task)));
  locks.close();
  return result;
}
