import { appendFileSync, readFileSync } from "node:fs";
import { env, exit } from "node:process";
import { Portion } from "../../src/core/verify/portion.ts";

/**
 * A verifier thread that ends over a part which it has taken, after so many that it has settled, until a file counts as many
 * deaths as were asked for; then it works.
 */
const log = env["TEST_DEATHS_LOG"]!;
if (readFileSync(log).length < Number(env["TEST_DEATHS"])) {
  let left = Number(env["TEST_PARTS_BEFORE_DEATH"]);
  const take = Portion.prototype.take;
  Portion.prototype.take = function () {
    const index = take.call(this);
    if (index === undefined || left-- > 0) return index;
    appendFileSync(log, "x");
    exit(1);
  };
}
await import("../../src/core/verify/worker.ts");
