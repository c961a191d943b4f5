import { connect, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { HEADER, PATH } from "../peers/wire.ts";

/*
 * Sockets at a peer port that mean no good, on a thread of their own: they say nothing, drip headers or a body, send garbage, or
 * greet from another network as fast as they may. Whoever is cut off comes back a second later.
 */

export interface CrowdPlace {
  readonly port: number;
  readonly sockets: number;
  /** Where they come from: a port counts connections by address. Undefined: as everybody else here. */
  readonly localAddress?: string | undefined;
}

export interface CrowdReport {
  /** Connections that were made, the ones that came back included. */
  readonly connections: number;
  /** Of them, those that the node has ended. */
  readonly cut: number;
}

const BACK_MS = 1_000;
const TICK_MS = 250;

const head = (more: string) =>
  `POST ${PATH}/hello HTTP/1.1\r\nHost: 127.0.0.1\r\n${HEADER.VERSION}: 1\r\nContent-Type: application/json\r\n${more}`;
const STRANGE = JSON.stringify({ network: "elsewhere", genesis: "ee".repeat(32), instance: "ab".repeat(16) });
const GREETING = `${head(`Content-Length: ${STRANGE.length}`)}\r\n\r\n${STRANGE}`;
const SLOW_HEAD = head("X-Slow: ");
const SLOW_BODY = `${head("Content-Length: 4000")}\r\n\r\n`;
const GARBAGE = Buffer.from(Array.from({ length: 400 }, (_, n) => (n * 97 + 131) & 0xff));

type Kind = (socket: Socket, tick: number) => void;

/** What each kind does at every tick of a connection; 0 is its first. */
const KINDS: readonly Kind[] = [
  () => undefined,
  (socket, tick) => socket.write(tick < SLOW_HEAD.length ? SLOW_HEAD[tick]! : "x"),
  (socket, tick) => socket.write(tick === 0 ? SLOW_BODY : "x"),
  (socket, tick) => tick % 4 === 0 && socket.write(GARBAGE),
  (socket, tick) => tick % 4 === 0 && socket.write(GREETING),
];

/** Stays until the thread ends. */
class HostileCrowd {
  readonly #place: CrowdPlace;
  readonly #ticks = new Map<Socket, { readonly act: Kind; tick: number }>();
  #connections = 0;
  #cut = 0;

  constructor(place: CrowdPlace) {
    this.#place = place;
    for (let number = 0; number < place.sockets; number++) this.#come(KINDS[number % KINDS.length]!);
    setInterval(() => this.#tick(), TICK_MS);
  }

  get report(): CrowdReport {
    return { connections: this.#connections, cut: this.#cut };
  }

  #come(act: Kind): void {
    const { port, localAddress } = this.#place;
    const socket = connect({ port, host: "127.0.0.1", ...(localAddress === undefined ? {} : { localAddress }) });
    socket.once("connect", () => {
      this.#connections++;
      this.#ticks.set(socket, { act, tick: 0 });
    });
    socket.on("error", () => undefined).resume();
    socket.once("close", () => {
      if (this.#ticks.delete(socket)) this.#cut++;
      setTimeout(() => this.#come(act), BACK_MS);
    });
  }

  #tick(): void {
    for (const [socket, state] of this.#ticks) state.act(socket, state.tick++);
  }
}

if (parentPort !== null) {
  const crowd = new HostileCrowd(workerData as CrowdPlace);
  parentPort.on("message", () => parentPort!.postMessage(crowd.report));
}
