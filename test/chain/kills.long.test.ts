import { expect, test } from "vitest";
import { Killer } from "./kills.ts";

test("a thousand kills lose nothing that was confirmed", async () => {
  const seed = Number(process.env["KILL_SEED"] ?? 1000);
  console.log(`first seed ${seed}`);
  await using killer = await Killer.create(seed);
  for (let done = 0; done < 1000; done += 50) {
    await killer.rounds(50);
    console.log(`${done + 50} rounds, hit ${JSON.stringify(killer.hits)}; ${killer.aheads} steps were done and not confirmed`);
  }
  for (const kind of ["reorganise", "restart", "restore", "save", "grow", "many", "one"] as const) {
    expect(killer.hits[kind] ?? 0, kind).toBeGreaterThan(20);
  }
});
