import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";

/** A server on loopback that does what its test wants, and counts what reaches it. `await using`. */
export class CountingServer {
  readonly sockets = new Set<Socket>();
  /** Connections that were ever opened. */
  connections = 0;
  /** Open at the same time, at most. */
  connectionsMost = 0;
  requests = 0;
  /** Being answered at the same time, at most. */
  busyMost = 0;
  origin = "";
  readonly #server: Server | HttpServer;

  private constructor(server: Server | HttpServer) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      this.connectionsMost = Math.max(this.connectionsMost, this.sockets.size);
      socket.on("error", () => undefined);
      socket.once("close", () => this.sockets.delete(socket));
    });
  }

  /** @param answer of each request, in the order of their arrival from 1 */
  static async http(
    answer: (response: ServerResponse, nth: number, request: IncomingMessage) => unknown,
  ): Promise<CountingServer> {
    let busy = 0;
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      counting.requests++;
      counting.busyMost = Math.max(counting.busyMost, ++busy);
      response.once("close", () => busy--);
      request.resume();
      answer(response, counting.requests, request);
    });
    const counting = new CountingServer(server);
    return await counting.#listen();
  }

  /** Bytes as they are. */
  static async tcp(serve: (socket: Socket, nth: number) => unknown): Promise<CountingServer> {
    const server = createTcpServer((socket) => {
      socket.on("data", () => {
        counting.requests++;
        serve(socket, counting.requests);
      });
    });
    const counting = new CountingServer(server);
    return await counting.#listen();
  }

  async #listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as { port: number };
    this.origin = `http://127.0.0.1:${port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
