import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../errors.ts";
import type { EngineName } from "./engine.ts";
import { unpackPart, verifyPart } from "./part.ts";
import { Portion } from "./portion.ts";
import { findSignatureEngine } from "./signature-engine.ts";

/** A verifier thread: takes parts of each portion that it is told of until none is left, reports, until it is ended. */
const engine = findSignatureEngine((workerData as { engine: EngineName }).engine);
const port = parentPort;
assert(engine !== undefined && port !== null, "a verifier thread is started by the verifier, with an engine that it has");

/** Where a part is read from: node:crypto and the engines take no shared memory, and a new array for each costs more. */
let stage: Uint8Array = new Uint8Array(4096);

port.on("message", (memory: SharedArrayBuffer) => {
  const portion = new Portion(memory);
  for (let index = portion.take(); index !== undefined; index = portion.take()) {
    const [bytes, length] = portion.copy(index, stage);
    stage = bytes;
    portion.settle(index, verifyPart(unpackPart(bytes, length), engine));
  }
  port.postMessage(null);
});
