import { expect, test } from "vitest";
import { flipBits } from "./flipped-bits.ts";

test("a flipped bit in any file is refused or does no harm; nothing else is ever served", async () => {
  const { refused } = await flipBits(77, 4);
  expect(refused).toBeGreaterThan(10);
});
