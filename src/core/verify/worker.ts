import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../errors.ts";
import { packVerdicts, unpackBatch, verifyPart } from "./batch.ts";
import type { EngineName } from "./engine.ts";
import { findSignatureEngine } from "./signature-engine.ts";

/** A verifier thread: a batch in, its verdicts out, in order, until it is ended. */
const engine = findSignatureEngine((workerData as { engine: EngineName }).engine);
const port = parentPort;
assert(engine !== undefined && port !== null, "a verifier thread is started by the verifier, with an engine that it has");

port.on("message", (bytes: Uint8Array) => {
  const verdicts = packVerdicts(unpackBatch(bytes).map((part) => verifyPart(part, engine)));
  port.postMessage(verdicts, [verdicts.buffer]);
});
