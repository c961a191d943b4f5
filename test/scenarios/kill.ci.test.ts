import { test } from "vitest";
import { killRounds } from "./kill.ts";

test("a node that is killed 20 times while it mines and pays loses nothing that it acknowledged", async () => {
  await killRounds(20, Number(process.env["CHAINCORE_SEED"] ?? Date.now() % 1_000_000));
});
