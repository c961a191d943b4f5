/** A set that forgets what was added first when there is too much. */
export class RecentSet<T> {
  readonly #max: number;
  /** In order of arrival. */
  readonly #items = new Set<T>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#items.size;
  }

  has(item: T): boolean {
    return this.#items.has(item);
  }

  /** False when it was there already. */
  add(item: T): boolean {
    if (this.#items.has(item)) return false;
    this.#items.add(item);
    if (this.#items.size > this.#max) {
      for (const oldest of this.#items) {
        this.#items.delete(oldest);
        break;
      }
    }
    return true;
  }

  delete(item: T): void {
    this.#items.delete(item);
  }

  clear(): void {
    this.#items.clear();
  }

  /** Oldest first. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values();
  }
}
