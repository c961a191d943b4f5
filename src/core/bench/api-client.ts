import { Agent, request } from "node:http";
import { parentPort } from "node:worker_threads";

/*
 * The client of the API's bench, on a thread of its own: it sends what it is told, over as many kept connections as it is told, and
 * says how long that took.
 */

export interface ClientJob {
  readonly url: string;
  readonly credentials: string;
  /** Bodies to send; each connection takes the next one when it has its answer. */
  readonly bodies: readonly string[];
  readonly connections: number;
}

export interface ClientReport {
  readonly wallMs: number;
  /** Of each call, from its sending to its whole answer. */
  readonly callsMs: readonly number[];
  /** The first answer that was no result, if there was one. */
  readonly error: string | undefined;
}

async function run({ url, credentials, bodies, connections }: ClientJob): Promise<ClientReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = { authorization: `Basic ${Buffer.from(credentials).toString("base64")}`, "content-type": "application/json" };
  let next = 0;
  let error: string | undefined;
  const callsMs: number[] = [];
  const started = performance.now();
  const loop = async () => {
    while (next < bodies.length) {
      const sent = performance.now();
      const answer = await post(url, bodies[next++]!, { agent, headers });
      callsMs.push(performance.now() - sent);
      if (!answer.includes('"error":null') || /"code":-\d/.test(answer)) error ??= answer;
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  agent.destroy();
  return { wallMs: performance.now() - started, callsMs, error };
}

function post(url: string, body: string, { agent, headers }: { agent: Agent; headers: Record<string, string> }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request(url, { method: "POST", agent, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve(Buffer.concat(chunks).toString()));
  });
  outgoing.end(body);
  return promise;
}

parentPort?.on("message", async (job: ClientJob) => parentPort!.postMessage(await run(job)));
