import { expect, test } from "vitest";
import { ConnectionTurns, type TurnTaker } from "../../src/core/peers/connection-turns.ts";
import { seededNumbers } from "../support/seeded.ts";

const host = (): TurnTaker => ({ busy: 0, waiting: 0 });
const never = new AbortController().signal;

test("turns come in the order in which they were asked for, and no newcomer gets in between", async () => {
  const turns = new ConnectionTurns({ maxConnections: 9, maxPerHost: 1 });
  const only = host();
  const served: number[] = [];
  await turns.take(only, never);
  const taken = [1, 2, 3].map((n) => turns.take(only, never).then(() => served.push(n)));
  turns.give(only);
  taken.push(turns.take(only, never).then(() => served.push(4))); // At once, before the first who waits has woken.
  for (const [n, one] of taken.entries()) {
    await one;
    expect(served.length).toBe(n + 1);
    turns.give(only);
  }
  expect([served, only, turns.busy]).toEqual([[1, 2, 3, 4], { busy: 0, waiting: 0 }, 0]);
});

test("limits hold, nobody is forgotten and no turn is lost, whoever comes, goes and gives up", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = seededNumbers(seed);
    const random = () => next() / 2 ** 32;
    const limits = { maxConnections: 1 + Math.floor(random() * 6), maxPerHost: 1 + Math.floor(random() * 3) };
    const turns = new ConnectionTurns(limits);
    const hosts = [host(), host(), host()];
    const held: TurnTaker[] = [];
    const aborts: AbortController[] = [];
    const outcomes: Promise<unknown>[] = [];
    const check = () => {
      const busy = hosts.reduce((sum, one) => sum + one.busy, 0);
      expect(busy, `seed ${seed}`).toBeLessThanOrEqual(limits.maxConnections);
      for (const one of hosts) expect(one.busy, `seed ${seed}`).toBeLessThanOrEqual(limits.maxPerHost);
      const fits = hosts.some(({ busy, waiting }) => waiting > 0 && busy < limits.maxPerHost);
      expect(fits && busy < limits.maxConnections, `seed ${seed}: somebody waits for nothing`).toBe(false);
    };
    for (let step = 0; step < 120; step++) {
      const what = random();
      if (what < 0.5) {
        const one = hosts[Math.floor(random() * hosts.length)]!;
        const abort = new AbortController();
        aborts.push(abort);
        const given = () => void held.push(one);
        outcomes.push(turns.take(one, abort.signal).then(given, () => undefined));
      } else if (what < 0.8 && held.length > 0) {
        turns.give(held.splice(Math.floor(random() * held.length), 1)[0]!);
      } else if (aborts.length > 0) {
        aborts.splice(Math.floor(random() * aborts.length), 1)[0]!.abort();
      }
      check();
      if (random() < 0.5) await Promise.resolve();
    }
    while (turns.busy > 0) {
      await new Promise(setImmediate);
      for (const one of held.splice(0)) turns.give(one);
      check();
    }
    await Promise.all(outcomes);
    expect(hosts, `seed ${seed}`).toEqual([host(), host(), host()]);
  }
});
