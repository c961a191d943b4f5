import type { Inside } from "../../../src/core/locks/context.ts";
import { LockManager } from "../../../src/core/locks/manager.ts";

/** Holds PEERS for what a test changes. */
export class PeersLock {
  readonly locks = new LockManager();

  write<R>(change: (at: Inside<"PEERS", "write", unknown>) => R): Promise<R> {
    const lock = this.locks.getLock("peers", "PEERS");
    return this.locks.task("test", (at) => lock.withWrite(at, change, { site: "a test" }));
  }

  [Symbol.dispose](): void {
    this.locks.close();
  }
}
