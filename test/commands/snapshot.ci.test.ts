import { afterEach, beforeEach, expect, test } from "vitest";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
beforeEach(() => {
  user = new CliUser(fastestEntry());
});
afterEach(() => user[Symbol.dispose]());

const run = async (...args: string[]) => {
  const { code, out, err } = await user.run(...args);
  return { code, out, err };
};

test("without a running node the commands host one for as long as it takes: save, mine, restore, mine, drop", async () => {
  await run("mine", "--blocks", "3");
  expect((await run("snapshot", "save", "three")).out).toMatch(/^snapshot three is height 3: [0-9a-f]{64}\n$/);
  await run("mine", "--blocks", "2");
  const restored = await run("snapshot", "restore", "three");
  expect(restored.out).toMatch(
    /^snapshot three is the tip, height 3: .*\n2 blocks taken back, 0 connected; 0 .*\nparked: .* \(height 5\)/,
  );
  const listed = JSON.parse((await run("snapshot", "list", "--json")).out) as { snapshots: object[]; parked: object };
  expect(listed).toMatchObject({ snapshots: [{ name: "three", height: 3, back: 0, forward: 0 }], parked: { height: 5 } });
  const mined = await run("mine", "--blocks", "1", "--json");
  expect(JSON.parse(mined.out.split("\n")[0]!)).toMatchObject({ event: "block", height: 4, accepted: true });
  expect((await run("snapshot", "drop", "three")).out).toBe("snapshot three (height 3) is forgotten\n");
  expect(await run("snapshot", "list")).toMatchObject({ code: 0, out: expect.stringContaining("(height 5), since height 3") });
});

test("bad input is one sentence each, with its exit status", async () => {
  await run("mine", "--blocks", "1");
  await run("snapshot", "save", "one");
  const sentence = (text: string) => expect.stringMatching(new RegExp(`^chaincore: ${text}[^\n]*\n$`));
  expect(await run("snapshot", "save", "one")).toEqual({ code: 1, out: "", err: sentence('a snapshot "one" is there already') });
  expect(await run("snapshot", "save", "a/b")).toEqual({ code: 2, out: "", err: sentence('"a/b" is no snapshot name') });
  expect(await run("snapshot", "restore", "no")).toEqual({
    code: 1,
    out: "",
    err: sentence('there is no snapshot "no"; saved are'),
  });
  expect(await run("snapshot", "drop", "no")).toEqual({ code: 1, out: "", err: sentence('there is no snapshot "no"') });
  expect(await run("snapshot", "save", "x", "--height", "7")).toEqual({
    code: 1,
    out: "",
    err: sentence("the best chain has no block at"),
  });
  expect((await run("snapshot", "save")).code).toBe(2);
  expect((await run("snapshot", "save", "x", "--height", "-1")).code).toBe(2);
});
