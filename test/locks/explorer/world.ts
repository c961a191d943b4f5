import * as layouts from "../../../src/core/locks/layout.ts";
import { type Accessors, instantiate, type Mutation, type Procedure, type Step } from "./source.ts";
import { Hash, mix } from "./state-set.ts";

const { HEADER, LOCK, OWNER, THREAD } = layouts;

/** What one thread of a scenario does: a generator over the thread's tools. */
export type Program = (tools: Tools) => Generator<Step, string, number>;

export interface Scenario {
  readonly name: string;
  readonly locks: number;
  readonly threads: readonly Program[];
  /** Owner of each program's thread; by default every program is a thread of its own. */
  readonly sameThread?: boolean;
  /** The mutex step by step instead of as one; for scenarios about the mutex itself. */
  readonly fullMutex?: boolean;
  /** Threads that may die at any of their steps. */
  readonly mortal?: readonly number[];
  /** Strands that run first, one after the other, until each is inside a lock or asleep; exploration starts then. */
  readonly prepare?: readonly number[];
  /** Strands that are dead when exploration starts. */
  readonly killed?: readonly number[];
  /** Locks with writer priority. */
  readonly writerPriority?: boolean;
  /** A complaint about a finished run, by the programs' results ("dead" for those that died). */
  readonly check?: (results: readonly string[]) => string | undefined;
}

export interface Tools {
  readonly me: number;
  readonly world: World;
  readonly code: Readonly<Record<string, Procedure>>;
}

interface Strand {
  readonly program: Generator<Step, string, number>;
  next: Step | undefined;
  result: string | undefined;
  dead: boolean;
  /** Sleeps in Atomics.wait, until notified. */
  asleep: boolean;
  notified: boolean;
  /** What it has seen since its last boundary: stands for its local variables. */
  readonly seen: Hash;
  /** Words it changed. */
  changes: number;
}

/** Accesses that only the holder of the graph mutex makes, or that never change: no scheduling point, but a crash point. */
function isQuiet(layout: layouts.Layout, at: number): boolean {
  if (at >= layout.owners) {
    const word = (at - layout.owners) % layouts.OWNER_WORDS;
    return word !== OWNER.WAIT && (word < OWNER.HELD || word >= OWNER.HELD + layouts.HELD_MAX);
  }
  if (at >= layout.locks) return (at - layout.locks) % layouts.LOCK_WORDS !== LOCK.STATE;
  if (at >= layout.threads) return false;
  return at !== HEADER.MUTEX;
}

/** Words that differ between states that are the same: only their order counts, and the queues show it. */
function isUncounted(layout: layouts.Layout, at: number): boolean {
  if (at === HEADER.TICKET || at === HEADER.REAPED) return true;
  if (at < layout.owners) return at >= layout.locks && (at - layout.locks) % layouts.LOCK_WORDS === LOCK.POISONED;
  const word = (at - layout.owners) % layouts.OWNER_WORDS;
  return word === OWNER.TICKET || word === OWNER.GENERATION;
}

/** One run of a scenario: memory, threads, monitors. */
export class World {
  readonly scenario: Scenario;
  readonly layout: layouts.Layout;
  readonly words: Int32Array;
  readonly strands: Strand[] = [];
  readonly code: Readonly<Record<string, Procedure>>;
  /** Readers and writers inside, by lock. */
  readonly inside: Set<number>[][];
  /** Writers that came in while this strand waited to read. */
  readonly overtaken: number[];
  complaint: string | undefined;
  /** Data that the locks guard, for units of work. */
  readonly shared: number[] = [0, 0];
  /** For each undertaker: whom it buries, and how memory was when it put a burial off, or -1. */
  readonly burials = new Map<number, { readonly of: readonly number[]; since: number }>();
  #changes = 0;
  #current = -1;
  #hashA = 0;
  #hashB = 0;

  constructor(scenario: Scenario, code: Readonly<Record<string, Procedure>>, link: { world: World | undefined }) {
    this.scenario = scenario;
    this.code = code;
    link.world = this;
    const n = scenario.threads.length;
    const capacity = { locks: scenario.locks, owners: n, threads: n, records: 0, names: 0 };
    this.layout = layouts.layoutOf(undefined as never, capacity);
    this.words = new Int32Array(this.layout.records);
    (this.layout as { words: unknown }).words = this.words;
    for (let i = 0; i < n; i++) {
      this.words[layouts.ownerAt(this.layout, i) + OWNER.THREAD] = scenario.sameThread ? 1 : i + 1;
      this.words[layouts.threadAt(this.layout, i) + THREAD.ID] = i + 1;
    }
    for (let lock = 0; lock < scenario.locks; lock++) {
      this.words[layouts.lockAt(this.layout, lock) + LOCK.NAME] = 1 | (scenario.writerPriority ? layouts.WRITER_PRIORITY : 0);
    }
    this.words[HEADER.OWNERS_HIGH] = n;
    this.inside = Array.from({ length: scenario.locks }, () => [new Set<number>(), new Set<number>()]);
    this.overtaken = new Array(n).fill(0);
    scenario.threads.forEach((program, me) => {
      const strand: Strand = {
        program: program({ me, world: this, code }),
        next: undefined,
        result: undefined,
        dead: false,
        asleep: false,
        notified: false,
        seen: new Hash(),
        changes: 0,
      };
      this.strands.push(strand);
    });
    for (let me = 0; me < n; me++) this.#resume(me);
    for (const me of scenario.prepare ?? []) {
      while (!this.strands[me]!.asleep && !this.inside.some(([readers, writers]) => readers!.has(me) || writers!.has(me)))
        this.step(me, "go");
    }
    for (const me of scenario.killed ?? []) this.step(me, "die");
  }

  get mutexHolder(): number {
    return (this.words[HEADER.MUTEX]! & ~layouts.CONTENDED) - 1;
  }

  write(at: number, value: number): void {
    const was = this.words[at]!;
    if (was === value) return;
    this.words[at] = value;
    this.#changed();
    if (isUncounted(this.layout, at)) return;
    this.#hashA ^= mix(at, was, 0x51ed) ^ mix(at, value, 0x51ed);
    this.#hashB ^= mix(at, was, 0x7f4a7c15) ^ mix(at, value, 0x7f4a7c15);
  }

  #changed(): void {
    this.#changes++;
    const strand = this.strands[this.#current];
    if (strand !== undefined) strand.changes++;
  }

  /** What the current thread has read. */
  observe(value: number): void {
    this.strands[this.#current]!.seen.add(value);
  }

  /** Between two operations the program's place and results are all there is to its local state. */
  boundary(summary: number): void {
    const { seen } = this.strands[this.#current]!;
    seen.reset();
    seen.add(summary);
  }

  enter(lock: number, write: boolean): void {
    const [readers, writers] = this.inside[lock]!;
    if (write ? readers!.size + writers!.size > 0 : writers!.size > 0) this.complaint = `two inside lock ${lock}`;
    (write ? writers : readers)!.add(this.#current);
    this.overtaken[this.#current] = 0;
    if (!write || this.scenario.writerPriority) return;
    this.strands.forEach((strand, i) => {
      const at = layouts.ownerAt(this.layout, i);
      if (strand.dead || this.words[at + OWNER.WAIT] !== lock + 1 || this.words[at + OWNER.MODE] !== 1) return;
      if (++this.overtaken[i]! > 1) this.complaint = `reader ${i} was overtaken by two writers`;
    });
  }

  leave(lock: number, write: boolean): void {
    this.inside[lock]![write ? 1 : 0]!.delete(this.#current);
  }

  /** What a thread about to take this step may do: go on, die, both or neither. */
  choices(me: number): readonly ("go" | "die")[] {
    const strand = this.strands[me]!;
    if (strand.next === undefined) return [];
    const [kind] = strand.next;
    const go = this.#mayGo(me, strand) ? (["go"] as const) : [];
    const mortal =
      this.scenario.mortal?.includes(me) === true &&
      (kind === "write" || kind === "quiet" || kind === "sleep" || kind === "mutex" || kind === "exit");
    return mortal ? [...go, "die"] : go;
  }

  #mayGo(me: number, strand: Strand): boolean {
    const [kind, at] = strand.next!;
    if (kind === "mutex") return this.words[HEADER.MUTEX] === 0;
    if (kind === "sleep") return !strand.asleep || strand.notified;
    if (kind === "awaits") return this.strands[at]!.result !== undefined || this.inside.flat().some((strands) => strands.has(at));
    if (kind === "until") return this.#mayBury(me, at);
    return true;
  }

  /** An undertaker goes on when one more of its mortals is dead or gone, or when what it put off may run. */
  #mayBury(me: number, handled: number): boolean {
    const gone = this.burials.get(me)!.of.filter((i) => this.strands[i]!.result !== undefined).length;
    return gone > handled || this.#putOff(me) === 1;
  }

  /** 0: nothing was put off. 1: something was, and may be tried, for memory has changed since. 2: it may not yet. */
  #putOff(me: number): number {
    const { since } = this.burials.get(me)!;
    if (since < 0 || this.strands[me]!.dead) return 0;
    return this.words[HEADER.MUTEX] === 0 && this.changesBeside(me) !== since ? 1 : 2;
  }

  /** How many changes anybody but `me` made. */
  changesBeside(me: number): number {
    return this.#changes - this.strands[me]!.changes;
  }

  /** True if what this thread does next touches nothing that others can see. */
  isPrivate(me: number): boolean {
    return this.strands[me]!.next?.[0] === "quiet";
  }

  step(me: number, choice: "go" | "die"): void {
    this.#current = me;
    const strand = this.strands[me]!;
    if (choice === "die") {
      this.#die(me);
      return;
    }
    const [kind, at, expected] = strand.next!;
    if (kind === "sleep") {
      if (!strand.asleep && this.words[at] === expected) {
        strand.asleep = true;
        return;
      }
      strand.asleep = false;
      strand.notified = false;
    }
    if (kind === "notify") this.#notify(at, expected!);
    this.#resume(me);
  }

  #notify(at: number, count: number): void {
    for (const strand of this.strands) {
      if (count === 0) break;
      if (!strand.asleep || strand.notified || strand.next?.[1] !== at) continue;
      strand.notified = true;
      count--;
    }
  }

  #die(me: number): void {
    const strand = this.strands[me]!;
    strand.dead = true;
    strand.asleep = false;
    strand.next = undefined;
    strand.result = "dead";
    for (const [readers, writers] of this.inside) {
      readers!.delete(me);
      writers!.delete(me);
    }
  }

  #resume(me: number): void {
    this.#current = me;
    const strand = this.strands[me]!;
    // A step that reads nothing has happened nevertheless.
    strand.seen.add(0x5bd1e995);
    const { done, value } = strand.program.next(0);
    if (done) {
      strand.next = undefined;
      strand.result = value as string;
      this.#changed();
    } else strand.next = value as Step;
  }

  key(hash: Hash): number {
    hash.reset();
    hash.add(this.#hashA);
    hash.add(this.#hashB);
    for (const strand of this.strands) {
      hash.add(strand.seen.a);
      hash.add(strand.seen.b);
      hash.add((strand.dead ? 1 : 0) | (strand.asleep ? 2 : 0) | (strand.notified ? 4 : 0));
      hash.add(strand.result === undefined ? 0 : strand.result.length * 256 + strand.result.charCodeAt(0));
    }
    for (const count of this.overtaken) hash.add(count);
    for (const me of this.burials.keys()) hash.add(this.#putOff(me));
    for (const value of this.shared) hash.add(value);
    return hash.key();
  }

  /** What is wrong with a world in which nothing can happen any more. */
  verdict(): string | undefined {
    const stuck = this.strands.flatMap((strand, i) => (strand.result === undefined ? [`${i} at ${strand.next?.join(" ")}`] : []));
    if (stuck.length > 0) return `stuck: ${stuck.join("; ")}`;
    return this.leaks() ?? this.scenario.check?.(this.strands.map((strand) => strand.result!));
  }

  /** Everything that ought to be free when all have finished. */
  leaks(): string | undefined {
    const { layout, words } = this;
    for (let lock = 0; lock < this.scenario.locks; lock++) {
      const at = layouts.lockAt(layout, lock);
      if ((words[at + LOCK.STATE]! & ~layouts.POISON) !== 0)
        return `lock ${lock} is left in state ${words[at + LOCK.STATE]!.toString(16)}`;
      for (let word = at + LOCK.FIRST_WRITER; word <= at + LOCK.TANGLED; word++)
        if (words[word] !== 0) return `queue of lock ${lock} is not empty`;
    }
    for (let owner = 0; owner < this.strands.length; owner++) {
      const at = layouts.ownerAt(layout, owner);
      if (words[at + OWNER.WAIT] !== 0) return `owner ${owner} still waits`;
      for (let place = 0; place < layouts.HELD_MAX; place++) {
        const entry = words[at + OWNER.HELD + place]!;
        if ((entry & (layouts.HOLD_READ | layouts.HOLD_CLAIM)) !== 0) return `owner ${owner} still holds ${entry.toString(16)}`;
      }
      if (this.strands[owner]!.dead && words[at + OWNER.THREAD] !== 0) return `dead owner ${owner} was not cleared`;
    }
    for (let thread = 0; thread < this.strands.length; thread++) {
      const at = layouts.threadAt(layout, thread);
      if (words[at + THREAD.BLOCKED] !== 0) return `thread ${thread} still counts as blocked`;
      if (words[at + THREAD.ID]! < 0) return `dead thread ${thread} was not cleared`;
    }
    return words[HEADER.MUTEX] === 0 ? undefined : "the graph mutex is taken";
  }
}

/** The algorithm over the memory of whichever world runs. */
export function codeFor(
  scenario: Scenario,
  mutation?: Mutation,
): { code: Readonly<Record<string, Procedure>>; link: { world: World | undefined } } {
  const link: { world: World | undefined } = { world: undefined };
  const world = () => link.world!;
  const crashes = scenario.mortal !== undefined;
  const read = (at: number): Step => (isQuiet(world().layout, at) ? ["hidden", at] : ["read", at]);
  function* change(at: number, next: (was: number) => number): Generator<Step, number> {
    const quiet = isQuiet(world().layout, at);
    if (!quiet) yield ["write", at];
    else if (crashes) yield ["quiet", at];
    const was = world().words[at]!;
    world().write(at, next(was));
    if (!quiet) world().observe(was);
    return was;
  }
  const accessors: Accessors = {
    *load(_words, at) {
      const step = read(at);
      if (step[0] === "read") yield step;
      const value = world().words[at]!;
      world().observe(value);
      return value;
    },
    store: (_words, at, value) => change(at, () => value),
    put: (_words, at, value) => change(at, () => value),
    settle: (_words, at, value) => change(at, () => value),
    exchange: (_words, at, value) => change(at, () => value),
    add: (_words, at, value) => change(at, (was) => (was + value) | 0),
    and: (_words, at, mask) => change(at, (was) => was & mask),
    compareExchange: (_words, at, expected, value) => change(at, (was) => (was === expected ? value : was)),
    *notify(_words, at, count) {
      yield ["notify", at, count];
    },
    *waitOn(_words, at, expected) {
      yield ["sleep", at, expected];
    },
  };
  const code = { ...accessors, ...instantiate(accessors, mutation) };
  if (!scenario.fullMutex) {
    code["enterGraph"] = function* (_words, thread: number) {
      yield ["mutex", HEADER.MUTEX];
      world().write(HEADER.MUTEX, thread + 1);
    };
    code["leaveGraph"] = function* () {
      yield* accessors["store"]!(undefined, HEADER.MUTEX, 0);
    };
  }
  return { code, link };
}
