import { COUNT, LOCK, lockAt, OWNER, ownerAt, POISON, THREAD, threadAt, WRITER } from "../../../src/core/locks/layout.ts";
import { newSearch, type Search } from "../../../src/core/locks/wait-graph.ts";
import { ACQUIRED, CYCLE, READ, TORN, WRITE } from "../../../src/core/locks/wait-queue.ts";
import type { Step } from "./source.ts";
import type { Program, Tools } from "./world.ts";

/** What a strand does; it gives back what it holds when it fails or ends. */
export type Op =
  | {
      readonly take: number;
      readonly mode: "read" | "write";
      readonly give?: "up" | "abort";
      readonly parks?: boolean;
      readonly drops?: number;
    }
  | { readonly release: true }
  /** Stays where it is until that strand is inside a lock, or has ended. */
  | { readonly awaits: number }
  | { readonly change: (shared: number[]) => void; readonly undo: (shared: number[]) => void }
  | { readonly fail: true };

type Steps<R> = Generator<Step, R, number>;

/** How RwLock uses the algorithm (rwlock.ts, waiting.ts, space.ts), in the explorer's terms. */
class Strand {
  readonly t: Tools;
  readonly search: Search;
  readonly thread: number;
  #links = 0;
  #phase = 0;

  constructor(t: Tools) {
    this.t = t;
    this.search = newSearch(t.world.strands.length + 8, 8);
    this.thread = t.world.scenario.sameThread ? 0 : t.me;
  }

  get #layout() {
    return this.t.world.layout;
  }

  #state(lock: number): number {
    return lockAt(this.#layout, lock) + LOCK.STATE;
  }

  #held(place: number): number {
    return ownerAt(this.#layout, this.t.me) + OWNER.HELD + place;
  }

  *take(lock: number, write: boolean, giveUp: boolean, parks: boolean, meanwhile: () => Steps<void>): Steps<string> {
    const { code, me } = this.t;
    const fast = write ? code["tryWrite"]! : code["tryRead"]!;
    if (yield* fast(this.#layout.words, this.#state(lock), this.#held(lock), lock, me)) {
      this.#links |= 1 << lock;
      return this.#taken(lock, write);
    }
    // What is held is shown before a wait; the awaited lock is none of it.
    this.t.world.write(ownerAt(this.#layout, me) + OWNER.LINKS, this.#links);
    this.#links |= 1 << lock;
    const outcome = yield* this.#graph((woken) =>
      code["enqueue"]!(this.#layout, this.search, lock, me, write ? WRITE : READ, lock, parks ? -1 : this.thread, woken),
    );
    if (outcome === ACQUIRED) return this.#taken(lock, write);
    if (outcome === CYCLE || outcome === TORN) return this.#refused(lock, outcome === CYCLE ? "deadlock" : "torn");
    const at = ownerAt(this.#layout, me) + OWNER.WAIT;
    yield* meanwhile();
    if (giveUp) {
      yield ["write", at];
      const cancelled = yield* this.#graph((woken) => code["cancel"]!(this.#layout, lock, me, woken));
      if (cancelled) {
        if (!parks) yield* this.#unblock();
        return this.#refused(lock, "gave up");
      }
    } else yield* this.#sleep(at, lock, parks);
    const how = yield* code["load"]!(undefined, at);
    yield* code["store"]!(undefined, at, 0);
    if (!parks) yield* this.#unblock();
    return how === -(lock + 1) ? this.#taken(lock, write) : this.#refused(lock, "torn");
  }

  /** A worker sleeps on its own word, an event loop on its thread's doorbell. */
  *#sleep(at: number, lock: number, parks: boolean): Steps<void> {
    const { code } = this.t;
    const bell = threadAt(this.#layout, this.thread) + THREAD.DOORBELL;
    for (;;) {
      const rung = parks ? yield* code["load"]!(undefined, bell) : 0;
      if ((yield* code["load"]!(undefined, at)) < 0) return;
      if (parks) yield ["sleep", bell, rung];
      else yield ["sleep", at, lock + 1];
    }
  }

  *#unblock(): Steps<void> {
    yield* this.t.code["store"]!(undefined, threadAt(this.#layout, this.thread) + THREAD.BLOCKED, 0);
  }

  #taken(lock: number, write: boolean): string {
    const { world } = this.t;
    world.enter(lock, write);
    const state = lockAt(this.#layout, lock) + LOCK.STATE;
    if (!write && (world.words[state]! & POISON) !== 0) world.complaint = `a reader was let in to what may be torn`;
    // A writer repairs what it finds torn.
    if (write && (world.words[state]! & POISON) !== 0) world.write(state, world.words[state]! & ~POISON);
    if (write && (world.words[state]! & (WRITER | COUNT)) !== (WRITER | this.t.me))
      world.complaint = `lock ${lock} does not know its writer`;
    this.#bound(1);
    return "ok";
  }

  #refused(lock: number, how: string): string {
    this.#links &= ~(1 << lock);
    this.#bound(how.length);
    return how;
  }

  *release(lock: number, write: boolean): Steps<void> {
    const { code, me, world } = this.t;
    world.leave(lock, write);
    this.#links &= ~(1 << lock);
    if (write) {
      if (!(yield* code["leaveWrite"]!(this.#layout.words, this.#state(lock), me))) {
        yield* this.#graph((woken) => code["handOverWrite"]!(this.#layout, lock, woken));
      }
    } else if (yield* code["leaveRead"]!(this.#layout.words, this.#state(lock), this.#held(lock), lock)) {
      yield* this.#graph((woken) => code["handOverRead"]!(this.#layout, lock, woken));
    }
    this.#bound(0);
  }

  *#graph<R>(body: (woken: number[]) => Steps<R>): Steps<R> {
    const { code, world } = this.t;
    const woken: number[] = [];
    yield* code["enterGraph"]!(world.words, this.thread, 0);
    const result = yield* body(woken);
    yield* code["leaveGraph"]!(world.words);
    yield* this.deliver(woken);
    return result;
  }

  *deliver(woken: readonly number[]): Steps<void> {
    const { code } = this.t;
    for (const owner of woken) {
      const at = ownerAt(this.#layout, owner);
      const thread = threadAt(this.#layout, this.t.world.scenario.sameThread ? 0 : owner);
      if ((yield* code["load"]!(undefined, thread + THREAD.BLOCKED)) === owner + 1)
        yield* code["notify"]!(undefined, at + OWNER.WAIT, 1);
      else {
        yield* code["add"]!(undefined, thread + THREAD.DOORBELL, 1);
        yield* code["notify"]!(undefined, thread + THREAD.DOORBELL, 1);
      }
    }
  }

  /** The place in the program, and all results so far. */
  #bound(result: number): void {
    this.#phase = this.#phase * 16 + result + 1;
    this.t.world.boundary(this.#phase);
  }
}

/** A program from a list of operations. Its result is the first failure, or "ok". */
export function strand(...ops: Op[]): Program {
  return function* (t) {
    const me = new Strand(t);
    const held: { lock: number; write: boolean }[] = [];
    const undo: ((shared: number[]) => void)[] = [];
    let result = "ok";
    for (const op of ops) {
      if ("take" in op) {
        const write = op.mode === "write";
        // On an event loop a guard may be given back while the strand waits for another lock.
        const meanwhile = function* (): Steps<void> {
          const at = held.findIndex(({ lock }) => lock === op.drops);
          if (at >= 0) yield* me.release(op.drops!, held.splice(at, 1)[0]!.write);
        };
        result = yield* me.take(op.take, write, op.give !== undefined, op.parks ?? op.give === "abort", meanwhile);
        if (result !== "ok") break;
        held.push({ lock: op.take, write });
        // Time passes inside: here two at once would be seen.
        yield ["inside", op.take];
      } else if ("release" in op) {
        const last = held.pop()!;
        yield* me.release(last.lock, last.write);
      } else if ("awaits" in op) yield ["awaits", op.awaits];
      else if ("change" in op) {
        op.change(t.world.shared);
        undo.push(op.undo);
      } else {
        result = "rolled back";
        break;
      }
    }
    if (result !== "ok") for (const back of undo.reverse()) back(t.world.shared);
    for (const { lock, write } of held.reverse()) yield* me.release(lock, write);
    if (t.world.scenario.mortal?.includes(t.me)) yield ["exit", 0];
    return result;
  };
}

/** Goes in and out of the graph mutex, nothing else. */
export function atMutex(times: number): Program {
  return function* ({ world, code, me }) {
    for (let i = 0; i < times; i++) {
      yield* code["enterGraph"]!(world.words, me, 0);
      world.enter(0, true);
      yield ["inside", 0];
      world.leave(0, true);
      yield* code["leaveGraph"]!(world.words);
      world.boundary(i);
    }
    return "ok";
  };
}

/** The main thread's part: hears of deaths, one or several at a time, and buries as LockSpace.buryThreads does. */
export function undertaker(of?: readonly number[]): Program {
  return function* (t) {
    const { code, world, me } = t;
    const self = new Strand(t);
    const handled = new Set<number>();
    const mortal = of ?? world.scenario.mortal!;
    const burials = { of: mortal, since: -1 };
    world.burials.set(me, burials);
    let deferred = false;
    while (handled.size < mortal.length || deferred) {
      yield ["until", handled.size];
      const before = world.changesBeside(me);
      let ours = false;
      for (const victim of mortal) {
        if (handled.has(victim) || world.strands[victim]!.result === undefined) continue;
        handled.add(victim);
        if (!world.strands[victim]!.dead) continue;
        deferred = true;
        if (yield* code["markDead"]!(world.layout, victim, me)) ours = true;
      }
      if (deferred && (ours || (yield* code["tryEnterGraph"]!(world.words, me)))) {
        const woken: number[] = [];
        deferred = !(yield* code["reap"]!(world.layout, woken));
        yield* code["leaveGraph"]!(world.words);
        yield* self.deliver(woken);
      }
      burials.since = deferred ? before : -1;
      world.boundary(handled.size * 2 + (deferred ? 1 : 0) + 1000);
    }
    if (world.scenario.mortal?.includes(me)) yield ["exit", 0];
    return "done";
  };
}
