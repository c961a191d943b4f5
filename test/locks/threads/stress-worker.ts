import { parentPort, workerData } from "node:worker_threads";
import { stressTasks } from "./stress-task.ts";

parentPort!.postMessage(await stressTasks(workerData));
