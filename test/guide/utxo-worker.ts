import { parentPort, workerData } from "node:worker_threads";
import type { GuideUtxo } from "./utxo-set.ts";

/*
 * The guide's worker, line by line. `atomic_update` is a question to the thread that commits.
 */
const { workerId, seed } = workerData as { readonly workerId: number; readonly seed: number };
const port = parentPort!;

function atomicUpdate(updates: Record<string, GuideUtxo | null>): Promise<boolean> {
  const answer = new Promise<boolean>((resolve) => port.once("message", resolve));
  port.postMessage({ updates });
  return answer;
}

for (let i = 0; i < 100; i++) {
  const address = `worker_${workerId}_address`;
  const key = `tx_${workerId}_${i}:0`;
  const utxo = { amount: 1 + ((seed + i * 7_919) % 100), address, tx_id: `tx_${workerId}_${i}`, output_index: 0 };
  const success = await atomicUpdate({ [key]: utxo });
  if (!success) throw new Error(`UTXO update failed for worker ${workerId}`);
}
port.postMessage({ done: true });
