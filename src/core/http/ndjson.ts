import type { Exchange } from "./exchange.ts";

/**
 * An answer of JSON lines without end. What the client has not taken yet is kept up to `bufferBytesMax`;
 * a client further behind is cut off, so that no reader can hold the node's memory.
 */
export class NdjsonStream {
  readonly #exchange: Exchange;
  readonly #bufferBytesMax: number;

  constructor(exchange: Exchange, bufferBytesMax: number) {
    this.#exchange = exchange;
    this.#bufferBytesMax = bufferBytesMax;
    exchange.response.writeHead(200, { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" });
    exchange.response.flushHeaders();
  }

  /** Aborted when the client leaves or was cut off. */
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  /** False when the client is gone, or too far behind and thus gone now. */
  write(line: object): boolean {
    const { response } = this.#exchange;
    if (response.destroyed || response.writableEnded) return false;
    if (response.writableLength > this.#bufferBytesMax) {
      response.destroy();
      return false;
    }
    response.write(`${JSON.stringify(line)}\n`);
    return true;
  }

  end(): void {
    this.#exchange.response.end();
  }
}
