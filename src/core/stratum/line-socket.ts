import type { Socket } from "node:net";
import { LINE_BYTES_MAX } from "./protocol.ts";

/** A peer that does not read what it is sent is cut off here. */
const UNSENT_BYTES_MAX = 1_000_000;
/**
 * Nothing heard for so long: the miner is gone, or its cable is. Any miner finds a share now and then. Not the socket's own timeout,
 * which begins anew with every job that is sent to nobody.
 */
const SILENCE_MS_MAX = 600_000;
/** Messages that may come at once, and a second on average. */
const BURST_MAX = 200;
const MESSAGES_PER_SECOND = 50;

/** Lines out of and into a socket, within limits. Whoever breaks one is disconnected. */
export class LineSocket {
  readonly #socket: Socket;
  readonly #monotonicMs: () => number;
  #rest = "";
  #tokens = BURST_MAX;
  #refilledMs: number;
  #heardMs: number;

  constructor(socket: Socket, monotonicMs: () => number, hear: (line: string) => void) {
    this.#socket = socket;
    this.#monotonicMs = monotonicMs;
    this.#refilledMs = monotonicMs();
    this.#heardMs = monotonicMs();
    socket.setEncoding("utf8");
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on("error", () => socket.destroy()); // A peer may go as it likes.
    socket.on("data", (text: string) => this.#read(text, hear));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** To be called now and then. */
  closeIfSilent(): void {
    if (this.#monotonicMs() - this.#heardMs > SILENCE_MS_MAX) this.close();
  }

  #read(text: string, hear: (line: string) => void): void {
    this.#heardMs = this.#monotonicMs();
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (!this.isOpen) return;
      if (line.length > LINE_BYTES_MAX || !this.#takeToken()) this.close();
      else if (line.trim() !== "") hear(line);
    }
    if (this.#rest.length > LINE_BYTES_MAX) this.close();
  }

  #takeToken(): boolean {
    const now = this.#monotonicMs();
    this.#tokens = Math.min(BURST_MAX, this.#tokens + ((now - this.#refilledMs) * MESSAGES_PER_SECOND) / 1000);
    this.#refilledMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  send(line: string): void {
    if (!this.isOpen) return;
    this.#socket.write(line);
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) this.close();
  }

  /** Sends a last line, then ends the connection. */
  sayGoodbye(line: string): void {
    if (this.isOpen) this.#socket.end(line, () => this.#socket.destroy());
  }

  close(): void {
    this.#socket.destroy();
  }
}
