import type { HttpLimits } from "../../src/core/http/limits.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { Self } from "../../src/core/peers/hello.ts";
import type { Link, LinkHandler, PeerIdentity } from "../../src/core/peers/link.ts";
import { PeerTransport, type TransportOptions } from "../../src/core/peers/transport.ts";
import type { BlockHash, Height, Work } from "../../src/core/primitives/units.ts";
import { QuietLog } from "../fakes/quiet-log.ts";

/** A node as far as the network goes: it answers as its test says. */
export class Station {
  readonly transport: PeerTransport;
  readonly links: Link[] = [];
  readonly log = new QuietLog();
  readonly locks = new LockManager();
  handler: LinkHandler = (_link, kind, body) => Buffer.concat([Buffer.from(`${kind} `), body]);
  admit: (identity: PeerIdentity) => string | undefined = () => undefined;
  self: Self;
  url = "";

  readonly options: TransportOptions;

  constructor(name: string, options: TransportOptions = {}) {
    this.options = options;
    this.self = {
      network: "regtest",
      genesis: "ab".repeat(32) as BlockHash,
      instance: Buffer.from(name.padEnd(16, ".")).toString("hex"),
      nodeId: name,
      agent: "test",
      listenUrl: null,
      tip: { hash: "cd".repeat(32) as BlockHash, height: 7 as Height, chainwork: 16n as Work },
    };
    this.transport = new PeerTransport(options, {
      locks: this.locks,
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      entropy: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      log: this.log,
      self: () => this.self,
      handler: (link, kind, body, signal) => this.handler(link, kind, body, signal),
      admit: (identity) => this.admit(identity),
      onLink: (link) => void this.links.push(link),
    });
  }

  async listen(): Promise<this> {
    const port = await this.transport.listen("127.0.0.1", 0);
    const { certificate } = this.options;
    this.url = certificate ? `https://127.0.0.1:${port}#sha256=${certificate.pin}` : `http://127.0.0.1:${port}`;
    this.self = { ...this.self, listenUrl: this.url };
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    this.locks.close();
  }
}

/** Two stations, joined; `there` is the listener's view of the link. */
export async function pair(options: { a?: TransportOptions; b?: TransportOptions & { limits?: Partial<HttpLimits> } } = {}) {
  const a = new Station("a", options.a);
  const b = await new Station("b", options.b).listen();
  const here = await a.transport.dial(b.url);
  return {
    a,
    b,
    here,
    there: b.links[0]!,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}
