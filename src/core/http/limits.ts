import type { Server } from "node:http";

/** What a server grants a client; every number is an option, these are the defaults. */
export interface HttpLimits {
  readonly bodyBytesMax: number;
  readonly headersBytesMax: number;
  /** From the connection's first byte to the end of the headers; as much again for a TLS handshake before it. */
  readonly headersTimeoutMs: number;
  /** To the end of the body. */
  readonly requestTimeoutMs: number;
  /** An idle connection is closed after this. */
  readonly keepAliveMs: number;
  /** A client that takes no byte of its answer for this long is cut off. */
  readonly writeStallMs: number;
  readonly connectionsMax: number;
  /** Of one address; what is more is cut off at once. */
  readonly connectionsPerAddressMax: number;
}

export const HTTP_LIMITS: HttpLimits = {
  // 9 MB: a block is at most 4 MB, hex doubles it, 1 MB is left for the JSON around it.
  bodyBytesMax: 9_000_000,
  headersBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  // 9 MB at 150 kB/s, the slowest link that we wait for.
  requestTimeoutMs: 60_000,
  keepAliveMs: 30_000,
  writeStallMs: 30_000,
  connectionsMax: 1_024,
  connectionsPerAddressMax: 1_024,
};

/** How often node looks for connections past their time: a twentieth of the shortest limit, from 50 ms to a second. */
export function checkingIntervalMs(limits: HttpLimits): number {
  return Math.min(1_000, Math.max(50, Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 20));
}

/** Sets what node:http takes as properties; header size and checking interval are constructor options. */
export function applyLimits(server: Server, limits: HttpLimits): void {
  server.headersTimeout = limits.headersTimeoutMs;
  server.requestTimeout = limits.requestTimeoutMs;
  server.keepAliveTimeout = limits.keepAliveMs;
  server.maxConnections = limits.connectionsMax;
  server.timeout = 0; // Long-polls and streams may be silent; a stalled write is timed where it happens.
}

/** Cuts a connection that is one too many for its address; a socket file has none. */
export function limitConnectionsPerAddress(server: Server, max: number): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return;
    const count = (counts.get(remoteAddress) ?? 0) + 1;
    if (count > max) {
      socket.destroy();
      return;
    }
    counts.set(remoteAddress, count);
    socket.once("close", () => {
      const left = counts.get(remoteAddress)! - 1;
      if (left === 0) counts.delete(remoteAddress);
      else counts.set(remoteAddress, left);
    });
  });
}
