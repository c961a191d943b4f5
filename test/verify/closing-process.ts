import { signedSpend } from "../../src/core/bench/signed-spends.ts";
import { STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import { createVerifier } from "../../src/core/verify/verifier.ts";

/**
 * A process that has nothing but verifiers to wait for: it must not end before each of them is closed. While it looks away both
 * threads report; the first report ends the call, upon which the verifier is closed, and the second comes after that.
 */
const spends = Array.from({ length: 20 }, (_, seed) => signedSpend("P2WPKH", 1, seed));
const jobs = spends.map(({ tx, spent }) => ({ tx, spent: spent as never, flags: STANDARD_FLAGS }));
for (let round = 0; round < 3; round++) {
  const verifier = createVerifier({ workers: 2, rememberedMax: 0 });
  await verifier.verify(jobs); // The threads are there.
  const verdicts = verifier.verify(jobs);
  setImmediate(() => {
    for (const until = performance.now() + 400; performance.now() < until; );
  });
  await verdicts;
  await verifier.close();
}
