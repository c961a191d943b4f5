import { compareFeeRates, type FeeFraction } from "./fee-fraction.ts";

/*
 * In which order a miner should take the transactions of one cluster, so that at every size the fees taken are as high as
 * they can be: the optimal linearization, cut into chunks of falling fee rate. The way is the spanning-forest method
 * (P. Wuille, "Spanning-forest cluster linearization", delvingbitcoin.org, 2025), told from its description:
 *
 * Every dependency is active or not. Transactions joined by active dependencies make up a chunk, and the active ones never
 * form a circle. Two moves:
 *   merge  a chunk that needs another which pays no more than itself: activate that dependency;
 *   split  an active dependency whose upper side pays more than its lower side: deactivate it, then merge each side anew.
 * When no move is left, the chunks by falling fee rate are the optimum. At last, chunks that fall into parts of the same rate
 * are split, so that no chunk is larger than it must be.
 */

/** One transaction of a cluster; the parents are indices into the same list, direct ones are enough. */
export interface LinearizeInput extends FeeFraction {
  readonly parents: readonly number[];
  /** Decides between equals, smaller first; the raw txid. */
  readonly tieBreak: string;
}

export interface LinearizedChunk extends FeeFraction {
  /** Indices, parents first. */
  readonly members: readonly number[];
}

/** The chunks of a cluster, best first; parents never stand behind their children. */
export function linearize(inputs: readonly LinearizeInput[]): readonly LinearizedChunk[] {
  const forest = new SpanningForest(inputs);
  forest.mergeAll();
  forest.improve();
  forest.splitEquals();
  return orderChunks(inputs, forest.chunks());
}

interface Chunk {
  fee: number;
  size: number;
  members: number[];
}

interface Dependency {
  readonly parent: number;
  readonly child: number;
  isActive: boolean;
}

/** Splits tried before what is found is taken as good enough; far more than any cluster of 64 has been seen to need. */
const SPLITS_MAX = 20_000;

class SpanningForest {
  readonly #inputs: readonly LinearizeInput[];
  readonly #chunkOf: Chunk[];
  readonly #dependencies: readonly Dependency[];
  /** Dependencies by either end. */
  readonly #touching: Dependency[][];

  constructor(inputs: readonly LinearizeInput[]) {
    this.#inputs = inputs;
    this.#chunkOf = inputs.map(({ fee, size }, index) => ({ fee, size, members: [index] }));
    this.#dependencies = inputs.flatMap((input, child) => input.parents.map((parent) => ({ parent, child, isActive: false })));
    this.#touching = inputs.map(() => []);
    for (const dependency of this.#dependencies) {
      this.#touching[dependency.parent]!.push(dependency);
      this.#touching[dependency.child]!.push(dependency);
    }
  }

  chunks(): readonly Chunk[] {
    return [...new Set(this.#chunkOf)];
  }

  mergeAll(): void {
    for (let i = 0; i < this.#inputs.length; i++) {
      this.#mergeUp(this.#chunkOf[i]!);
      this.#mergeDown(this.#chunkOf[i]!);
    }
  }

  /** Splits while a split gains; every dependency gets its turn before any comes again, so that no pair of moves repeats for ever. */
  improve(): void {
    const { length } = this.#dependencies;
    let sinceLast = 0;
    let splits = 0;
    for (let at = 0; sinceLast < length && splits < SPLITS_MAX; at = (at + 1) % length) {
      const dependency = this.#dependencies[at]!;
      sinceLast++;
      if (!dependency.isActive) continue;
      const [top, bottom] = this.#sides(dependency);
      if (compareFeeRates(top, bottom) <= 0) continue;
      this.#split(dependency, top, bottom);
      this.#mergeUp(top);
      this.#mergeDown(this.#chunkOf[dependency.child]!);
      sinceLast = 0;
      splits++;
    }
  }

  /** Parts of one chunk with the same rate become chunks of their own where the upper one needs nothing of the lower. */
  splitEquals(): void {
    for (const dependency of this.#dependencies) {
      if (!dependency.isActive) continue;
      const [top, bottom] = this.#sides(dependency);
      if (compareFeeRates(top, bottom) !== 0) continue;
      const needed = this.#ancestorsOf(top.members);
      if (!bottom.members.some((index) => needed.has(index))) this.#split(dependency, top, bottom);
    }
  }

  #ancestorsOf(members: readonly number[]): ReadonlySet<number> {
    const found = new Set(members);
    for (const index of found) for (const parent of this.#inputs[index]!.parents) found.add(parent); // A Set's loop visits what is added to it.
    return found;
  }

  /** Takes in what the chunk needs and what pays no more than it, the lowest first. */
  #mergeUp(start: Chunk): void {
    for (let chunk = start; ; ) {
      let best: Dependency | undefined;
      for (const index of chunk.members) {
        for (const dependency of this.#touching[index]!) {
          const other = this.#chunkOf[dependency.parent]!;
          if (dependency.child !== index || other === chunk || compareFeeRates(other, chunk) > 0) continue;
          if (best === undefined || compareFeeRates(other, this.#chunkOf[best.parent]!) < 0) best = dependency;
        }
      }
      if (best === undefined) return;
      chunk = this.#merge(best);
    }
  }

  /** Takes in what needs the chunk and pays no less than it, the highest first. */
  #mergeDown(start: Chunk): void {
    for (let chunk = start; ; ) {
      let best: Dependency | undefined;
      for (const index of chunk.members) {
        for (const dependency of this.#touching[index]!) {
          const other = this.#chunkOf[dependency.child]!;
          if (dependency.parent !== index || other === chunk || compareFeeRates(other, chunk) < 0) continue;
          if (best === undefined || compareFeeRates(other, this.#chunkOf[best.child]!) > 0) best = dependency;
        }
      }
      if (best === undefined) return;
      chunk = this.#merge(best);
    }
  }

  #merge(dependency: Dependency): Chunk {
    const above = this.#chunkOf[dependency.parent]!;
    const below = this.#chunkOf[dependency.child]!;
    dependency.isActive = true;
    above.fee += below.fee;
    above.size += below.size;
    for (const index of below.members) {
      above.members.push(index);
      this.#chunkOf[index] = above;
    }
    return above;
  }

  /** What hangs together on either side of an active dependency when it is taken away. */
  #sides(dependency: Dependency): readonly [Chunk, Chunk] {
    const whole = this.#chunkOf[dependency.parent]!;
    const top: Chunk = { fee: 0, size: 0, members: [dependency.parent] };
    const isTop = new Set(top.members);
    for (const index of top.members) {
      top.fee += this.#inputs[index]!.fee;
      top.size += this.#inputs[index]!.size;
      for (const next of this.#touching[index]!) {
        const other = next.parent === index ? next.child : next.parent;
        if (!next.isActive || next === dependency || isTop.has(other)) continue;
        isTop.add(other);
        top.members.push(other); // The loop goes on over what it appends.
      }
    }
    const members = whole.members.filter((index) => !isTop.has(index));
    return [top, { fee: whole.fee - top.fee, size: whole.size - top.size, members }];
  }

  #split(dependency: Dependency, top: Chunk, bottom: Chunk): void {
    dependency.isActive = false;
    for (const index of top.members) this.#chunkOf[index] = top;
    for (const index of bottom.members) this.#chunkOf[index] = bottom;
  }
}

/** Chunks by falling rate, then size, then tie-break; among equal rates what is needed comes first. */
function orderChunks(inputs: readonly LinearizeInput[], chunks: readonly Chunk[]): readonly LinearizedChunk[] {
  const placed = new Set<number>();
  const waiting = chunks.map((chunk) => ({
    ...chunk,
    tieBreak: maxTieBreak(inputs, chunk.members),
    parents: outsideParents(inputs, chunk),
  }));
  return takeInOrder(waiting, placed).map((chunk) => ({
    fee: chunk.fee,
    size: chunk.size,
    members: orderMembers(inputs, chunk.members),
  }));
}

function orderMembers(inputs: readonly LinearizeInput[], members: readonly number[]): readonly number[] {
  const inside = new Set(members);
  const waiting = members.map((index) => {
    const input = inputs[index]!;
    const parents = input.parents.filter((parent) => inside.has(parent));
    return { fee: input.fee, size: input.size, tieBreak: input.tieBreak, parents, members: [index] };
  });
  return takeInOrder(waiting, new Set()).map((item) => item.members[0]!);
}

interface Waiting extends FeeFraction {
  readonly tieBreak: string;
  readonly parents: readonly number[];
  readonly members: readonly number[];
}

/** Again and again the best of those whose parents are all placed. Quadratic: a cluster has 64 members at most. */
function takeInOrder<T extends Waiting>(items: readonly T[], placed: Set<number>): readonly T[] {
  const waiting = items.toSorted((a, b) => compareFeeRates(b, a) || a.size - b.size || (a.tieBreak < b.tieBreak ? -1 : 1));
  const order: T[] = [];
  while (waiting.length > 0) {
    const at = waiting.findIndex((item) => item.parents.every((parent) => placed.has(parent)));
    const [next] = waiting.splice(at, 1);
    order.push(next!);
    for (const index of next!.members) placed.add(index);
  }
  return order;
}

function outsideParents(inputs: readonly LinearizeInput[], chunk: Chunk): readonly number[] {
  const inside = new Set(chunk.members);
  return chunk.members.flatMap((index) => inputs[index]!.parents.filter((parent) => !inside.has(parent)));
}

function maxTieBreak(inputs: readonly LinearizeInput[], members: readonly number[]): string {
  return members.reduce((max, index) => (inputs[index]!.tieBreak > max ? inputs[index]!.tieBreak : max), "");
}
