import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";

/**
 * A Stratum V1 miner written from the protocol's description alone; it shares no code with the server. Everything is text and hex here,
 * as it comes over the wire.
 */

interface Message {
  readonly id: number | null;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: readonly [number, string, null] | null;
}

export interface Job {
  readonly id: string;
  readonly prevHash: string;
  readonly coinbase1: string;
  readonly coinbase2: string;
  readonly branch: readonly string[];
  readonly version: string;
  readonly bits: string;
  readonly time: string;
  readonly clean: boolean;
}

const sha256d = (bytes: Buffer) => createHash("sha256").update(createHash("sha256").update(bytes).digest()).digest();
const DIFFICULTY_1 = 0xffff * 2 ** 208;

export class StratumClient {
  readonly #socket: Socket;
  readonly #waiting: { readonly wanted: (message: Message) => boolean; readonly resolve: (message: Message) => void }[] = [];
  readonly closed: Promise<void>;
  #rest = "";
  #count = 0;
  readonly jobs: Job[] = [];
  difficulty = 1;
  extranonce1 = "";
  session = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
  }

  static async connect(port: number): Promise<StratumClient> {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new StratumClient(socket);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#hear(JSON.parse(line) as Message);
  }

  #hear(message: Message): void {
    const { method, params = [] } = message;
    if (method === "mining.set_difficulty") this.difficulty = params[0] as number;
    if (method === "mining.notify") {
      const [id, prevHash, coinbase1, coinbase2, branch, version, bits, time, clean] = params as [
        string,
        string,
        string,
        string,
        string[],
        string,
        string,
        string,
        boolean,
      ];
      this.jobs.push({ id, prevHash, coinbase1, coinbase2, branch, version, bits, time, clean });
    }
    for (const waiter of this.#waiting.filter(({ wanted }) => wanted(message))) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(message);
    }
  }

  next(wanted: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve) => this.#waiting.push({ wanted, resolve }));
  }

  nextJob(): Promise<Message> {
    return this.next(({ method }) => method === "mining.notify");
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  call(method: string, params: unknown): Promise<Message> {
    const id = ++this.#count;
    const answer = this.next((message) => message.id === id && message.method === undefined);
    this.write(`${JSON.stringify({ id, method, params })}\n`);
    return answer;
  }

  /** Subscribes, waits for the first job, authorizes a worker. */
  async begin(worker = "alice.1", session?: string): Promise<this> {
    const job = this.nextJob();
    const { result } = await this.call("mining.subscribe", session === undefined ? ["test/1.0"] : ["test/1.0", session]);
    const [subscriptions, extranonce1, size] = result as [[string, string][], string, number];
    if (size !== 4) throw new Error("this miner rolls four bytes");
    this.extranonce1 = extranonce1;
    this.session = subscriptions.find(([name]) => name === "mining.notify")![1];
    await job;
    await this.call("mining.authorize", [worker, "x"]);
    return this;
  }

  /** The hash, as a number, of a job's header with these choices. */
  hash(job: Job, extranonce2: string, time: string, nonce: string): number {
    const coinbase = Buffer.from(job.coinbase1 + this.extranonce1 + extranonce2 + job.coinbase2, "hex");
    let root = sha256d(coinbase);
    for (const sibling of job.branch) root = sha256d(Buffer.concat([root, Buffer.from(sibling, "hex")]));
    const reversed = (hex: string) => Buffer.from(hex, "hex").reverse();
    const prevHash = Buffer.from(job.prevHash, "hex").swap32();
    const header = Buffer.concat([reversed(job.version), prevHash, root, reversed(time), reversed(job.bits), reversed(nonce)]);
    return Number(`0x${sha256d(header).reverse().toString("hex")}`);
  }

  /** A nonce whose hash is (or, for `false`, is not) a share. */
  solve(job: Job, extranonce2 = "00000000", isShare = true): string {
    const target = DIFFICULTY_1 / this.difficulty;
    for (let nonce = 0; ; nonce++) {
      const text = nonce.toString(16).padStart(8, "0");
      if (this.hash(job, extranonce2, job.time, text) <= target === isShare) return text;
    }
  }

  submit(job: Job, nonce: string, options: { worker?: string; extranonce2?: string; time?: string } = {}): Promise<Message> {
    const { worker = "alice.1", extranonce2 = "00000000", time = job.time } = options;
    return this.call("mining.submit", [worker, job.id, extranonce2, time, nonce]);
  }

  get job(): Job {
    return this.jobs.at(-1)!;
  }

  /** Says that it will send no more; it could still read. */
  hangUp(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }
}
