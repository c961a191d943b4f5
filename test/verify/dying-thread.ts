import { appendFileSync, readFileSync } from "node:fs";
import { env, exit } from "node:process";
import { parentPort } from "node:worker_threads";

/** A verifier thread that ends at its first batch until a file counts as many deaths as were asked for; then it works. */
const log = env["TEST_DEATHS_LOG"]!;
if (readFileSync(log).length < Number(env["TEST_DEATHS"])) {
  parentPort!.once("message", () => {
    appendFileSync(log, "x");
    exit(1);
  });
} else {
  await import("../../src/core/verify/worker.ts");
}
