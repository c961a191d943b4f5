import { expect, test } from "vitest";
import { flipBits } from "./flipped-bits.ts";

test.each([1, 2])("hundreds of flipped bits are each refused or do no harm (seed %i)", async (seed) => {
  const { refused } = await flipBits(seed, 40);
  expect(refused).toBeGreaterThan(100);
});
