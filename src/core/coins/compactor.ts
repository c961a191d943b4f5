import { DIED, FREE, NEVER, RETIRED, SCRIPT_BACK } from "./layout.ts";
import type { Reclaimer } from "./reclaimer.ts";
import type { RecordStore } from "./record-store.ts";

/** Chunks emptier than this are worth moving. */
const SPARSE = 0.5;

/**
 * Gathers coins from sparse chunks, so that these can serve another size of record. Readers go on: a moved record is
 * replaced in both lists by one store each, and whoever stands on the old one goes on from there.
 * Moves only coins that no open snapshot sees come or go: the commit logs name records by their place.
 */
export class Compactor {
  readonly #store: RecordStore;
  readonly #reclaimer: Reclaimer;

  constructor(store: RecordStore, reclaimer: Reclaimer) {
    this.#store = store;
    this.#reclaimer = reclaimer;
  }

  /** Moves about `budget` records at most; returns how many. Their chunks come free with the next reclaiming that readers allow. */
  run(budget: number): number {
    const moved: number[] = [];
    for (const chunk of this.#sparseChunks()) {
      if (moved.length >= budget) break;
      this.#store.arena.bar(chunk);
      for (const place of this.#store.arena.placesOf(chunk)) {
        if (!this.#isMovable(place)) continue;
        this.#store.move(place);
        moved.push(place);
      }
    }
    if (moved.length > 0) this.#reclaimer.retire(moved);
    return moved.length;
  }

  /** The sparsest first, as many as the other chunks of their size have room for. */
  #sparseChunks(): number[] {
    const { arena } = this.#store;
    const room = new Map<number, number>();
    const sparse: { readonly chunk: number; readonly size: number; readonly used: number; readonly free: number }[] = [];
    for (let chunk = 0; chunk < arena.chunkCount; chunk++) {
      const { size, used, places } = arena.fillOf(chunk);
      if (places === 0) continue;
      room.set(size, (room.get(size) ?? 0) + places - used);
      if (used < places * SPARSE) sparse.push({ chunk, size, used, free: places - used });
    }
    sparse.sort((a, b) => a.used - b.used);
    return sparse
      .filter(({ size, used, free }) => {
        const left = room.get(size)! - free - used;
        if (left < 0) return false;
        room.set(size, left);
        return true;
      })
      .map(({ chunk }) => chunk);
  }

  #isMovable(place: number): boolean {
    const { words } = this.#store.view.memory.records;
    const back = words[place + SCRIPT_BACK]!;
    return (
      back !== FREE && back !== RETIRED && words[place + DIED] === NEVER && this.#store.bornOf(place) <= this.#reclaimer.settled
    );
  }
}
