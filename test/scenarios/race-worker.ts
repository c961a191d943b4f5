import { type MessagePort, parentPort, workerData } from "node:worker_threads";

/** One of several threads that ask a node for the same coin at the same moment, over HTTP. */
export interface RaceTask {
  readonly url: string;
  readonly credentials: string;
  readonly method: string;
  /** By race: what this thread asks for. */
  readonly params: readonly (readonly unknown[])[];
  readonly threads: number;
  /** Word n: threads that are ready for race n. */
  readonly gates: SharedArrayBuffer;
}

const task = workerData as RaceTask;
const gates = new Int32Array(task.gates);
const authorization = `Basic ${Buffer.from(task.credentials).toString("base64")}`;
const answers: string[] = [];
for (const [race, params] of task.params.entries()) {
  if (Atomics.add(gates, race, 1) + 1 === task.threads) Atomics.notify(gates, race);
  for (let ready = Atomics.load(gates, race); ready < task.threads; ready = Atomics.load(gates, race))
    Atomics.wait(gates, race, ready, 5);
  const body = JSON.stringify({ id: race, method: task.method, params });
  const response = await fetch(task.url, { method: "POST", headers: { authorization }, body });
  const { result, error } = (await response.json()) as { result: string | null; error: { message: string } | null };
  answers.push(error?.message ?? result ?? "ok");
}
(parentPort as MessagePort).postMessage(answers);
