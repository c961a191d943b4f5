import { expect, test } from "vitest";
import { RandomTree } from "../../chain/random-tree.ts";
import { join, SyncNode, until } from "./sync-node.ts";

test("a chain whose headers take two questions is fetched whole", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const tree = new RandomTree(1);
  const blocks = Array.from({ length: 2_100 }, () => tree.extend(tree.branches.at(-1)!, false, 0).block);
  await a.bench.run((at, own) => own.acceptBlocks(at, blocks));
  const { left } = join(b, a);
  await until("same tip", () => b.height === 2_100, 300_000);
  expect(left.asked.filter((kind) => kind === "get-headers").length).toBe(2);
  expect(left.asked.filter((kind) => kind === "get-blocks").length).toBeLessThan(300);
  expect(b.offences).toEqual([]);
});
