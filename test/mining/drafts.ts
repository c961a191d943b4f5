import type { Holds } from "../../src/core/locks/context.ts";
import type { JobDraft } from "../../src/core/mining/coordinator.ts";

/** A job whose contents do not matter to the test. */
export function draft(target = 0n): JobDraft {
  return {
    header: new Uint8Array(80),
    target,
    coinbaseBefore: Uint8Array.of(1, 2, 3),
    coinbaseAfter: Uint8Array.of(4, 5),
    branch: [new Uint8Array(32).fill(9)],
  };
}

/** What publish() wants to see; nothing else runs in these tests. */
export const HOLDING = {} as Holds<"MINING", "write">;
