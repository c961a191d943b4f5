import type { NodeEvent } from "../client/answers.ts";
import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http-error.ts";
import { NdjsonStream } from "../http/ndjson.ts";
import type { Clock } from "../ports.ts";

/** Events that are kept for readers who come back; about 3 MB. */
const RING_EVENTS = 10_000;
/** A reader this far behind is cut off; it may come back and ask for what it missed. */
const READER_BYTES_MAX = 4_000_000;

type WithoutStamp<E> = E extends unknown ? Omit<E, "sequence" | "time"> : never;
/** An event as the node tells it; the log adds number and time. */
export type EventBody = WithoutStamp<NodeEvent>;

/**
 * What happens in a node, in one order, as lines that anybody may follow.
 *
 * `append` only numbers and keeps; it calls nobody and may be called under any lock. Its order is the order of the calls.
 * Readers are served in a later turn of the event loop, each from where it stands. Nothing waits for a reader: one that is
 * too far behind is cut off, and may come back with the number of the last event that it has seen.
 */
export class EventLog {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #ringMax: number;
  /** Event number n stands at n % ringMax. */
  readonly #ring: NodeEvent[] = [];
  readonly #readers = new Set<Reader>();
  #sequence = 0;
  #isScheduled = false;

  constructor({ clock, ringMax = RING_EVENTS }: { clock: Pick<Clock, "nowMs">; ringMax?: number }) {
    this.#clock = clock;
    this.#ringMax = ringMax;
  }

  /** The number of the last event; 0 before the first one. */
  get sequence(): number {
    return this.#sequence;
  }

  append(body: EventBody): void {
    const event = { sequence: ++this.#sequence, time: Math.floor(this.#clock.nowMs() / 1000), ...body } as NodeEvent;
    this.#ring[event.sequence % this.#ringMax] = event;
    if (this.#readers.size === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#deliver());
  }

  /** The events behind number `since`; undefined when some of them are no longer kept, or never were. */
  after(since: number): readonly NodeEvent[] | undefined {
    if (!Number.isSafeInteger(since) || since > this.#sequence || since < Math.max(0, this.#sequence - this.#ringMax))
      return undefined;
    return Array.from({ length: this.#sequence - since }, (_, i) => this.#ring[(since + 1 + i) % this.#ringMax]!);
  }

  /** Calls `take` with every event behind number `since`, in order, until it answers false or the returned function is called. */
  follow(since: number, take: (event: NodeEvent) => boolean): () => void {
    const reader: Reader = { at: since, take };
    this.#readers.add(reader);
    this.#isScheduled = true;
    setImmediate(() => this.#deliver());
    return () => void this.#readers.delete(reader);
  }

  #deliver(): void {
    this.#isScheduled = false;
    for (const reader of this.#readers) {
      const events = this.after(reader.at);
      reader.at = this.#sequence;
      if (events?.every((event) => reader.take(event)) !== true) this.#readers.delete(reader);
    }
  }

  /** `GET /v1/events?since=N`: events behind number N, then all to come; without `since` only those. */
  async stream(exchange: Exchange, stopping: AbortSignal): Promise<void> {
    const since = Number(exchange.query.get("since") ?? this.#sequence);
    if (this.after(since) === undefined) throw gone(since, this.#sequence);
    const stream = new NdjsonStream(exchange, READER_BYTES_MAX);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const signal of [stream.signal, stopping]) {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    }
    const leave = this.follow(since, (event) => stream.write(event));
    await promise;
    leave();
    stream.end();
  }
}

interface Reader {
  /** Number of the last event that it got. */
  at: number;
  readonly take: (event: NodeEvent) => boolean;
}

function gone(since: number, newest: number): HttpError {
  const message = `events after ${since} are not kept; ask for the state, then follow from ${newest}`;
  return new HttpError(410, message, { code: "events-gone" });
}
