import { expect, test } from "vitest";
import { LockSpace } from "../../src/core/locks/space.ts";

test("threads that come and go with the same names do not use the table up", () => {
  const space = LockSpace.create({ locks: 4, owners: 8, threads: 4, names: 8 });
  for (let i = 0; i < 50; i++) {
    const other = LockSpace.attach(space.handle());
    expect(space.names.textOf(other.names.idOf("chain"))).toBe("chain");
    expect(other.names.idOf("mempool")).toBe(space.names.idOf("mempool"));
    Atomics.store(other.layout.words, other.layout.threads + other.thread * 16, 0);
  }
});

test("a full table answers with a name that says so, and forgets nothing", () => {
  const space = LockSpace.create({ locks: 4, owners: 8, threads: 4, names: 8 });
  const ids = Array.from({ length: 20 }, (_, i) => space.names.idOf(`name ${i}`));
  expect(ids.slice(0, 7).map((id) => space.names.textOf(id))).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `name ${i}`));
  expect(space.names.textOf(ids[19]!)).toBe("(other)");
});
