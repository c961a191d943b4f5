import { expect, test } from "vitest";
import { pureEngine } from "../../src/core/verify/engine-pure.ts";
import { findSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { compareEngines } from "./compare-engines.ts";

test("the engines agree with noble on 3,000 seeded cases", () => {
  const seed = Date.now() >>> 0;
  const engines = [findSignatureEngine("native")!, findSignatureEngine("ffi") ?? []].flat();
  console.info(`seed ${seed}, engines ${engines.map(({ name }) => name).join(", ")}`);
  const counts = compareEngines(engines, pureEngine, seed, 3_000);
  expect(counts.good).toBeGreaterThan(600);
});
