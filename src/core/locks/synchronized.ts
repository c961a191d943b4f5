import { AsyncLocalStorage } from "node:async_hooks";
import type { Root } from "./context.ts";
import type { LevelName, Mode } from "./levels.ts";
import type { LockManager } from "./manager.ts";

type Method<This, A extends unknown[], R> = (this: This, ...args: A) => R | Promise<R>;
type SynchronizedMethod<This, A extends unknown[], R> = (this: This, ...args: A) => Promise<R>;

/** Wraps a function, or decorates a method (TC39 decorators), so that it runs while the lock is held. */
export type Synchronizer = <This, A extends unknown[], R>(
  method: Method<This, A, R>,
  context?: ClassMethodDecoratorContext,
) => SynchronizedMethod<This, A, R>;

/**
 * The guide's `@synchronized(name, level, mode)`, over the locks of one manager:
 *
 *   const synchronized = synchronizedBy(manager);
 *   class Pool { @synchronized("pool", "MEMPOOL") async add(tx) { ... } }
 *   const add = synchronized("pool", "MEMPOOL", "write")(async (tx) => { ... });
 *
 * Called inside another synchronized function it goes on as the same strand, so that the order of levels is checked over
 * both and nobody waits for himself. What wants proofs of holding in its signatures takes a context instead: RwLock.withWrite.
 */
export function synchronizedBy(manager: LockManager): (name: string, level: LevelName, mode?: Mode) => Synchronizer {
  /** The strand that runs now; entered once for the outermost call, only read by those inside. */
  const strand = new AsyncLocalStorage<Root>();
  return (name, level, mode = "write") => {
    const lock = manager.getLock(name, level);
    return (method) =>
      async function (...args) {
        const run = (at: Root) => {
          const call = () => method.apply(this, args);
          // The types of levels end here: the run-time check is what holds.
          return mode === "read"
            ? lock.withRead(at as never, call, { site: name })
            : lock.withWrite(at as never, call, { site: name });
        };
        const at = strand.getStore();
        return at === undefined ? manager.task(name, (root) => strand.run(root, () => run(root))) : run(at);
      };
  };
}
