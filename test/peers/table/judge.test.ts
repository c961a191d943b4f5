import { expect, test } from "vitest";
import type { Link, Offence } from "../../../src/core/peers/link.ts";
import { BAN_SECONDS, type Ban } from "../../../src/core/peers/table/ban-list.ts";
import { createJudge } from "../../../src/core/peers/table/judge.ts";
import { activeLink, type FakeLinkOptions, fakeLink, identityOf } from "./fake-link.ts";

const URL_ = "http://198.51.100.1:8000";

function court(link: Link, score = 0) {
  const active = activeLink(link, { score });
  const bans: Ban[] = [];
  const told: string[] = [];
  const judge = createJudge({
    find: (asked) => (asked === link ? active : undefined),
    nowSeconds: () => 1_000,
    ban: (ban) => void bans.push(ban),
    told: (_link, verdict) => void told.push(verdict),
  });
  return { active, bans, told, judge };
}

const cases: readonly [string, FakeLinkOptions, Pick<Ban, "address" | "url">][] = [
  [
    "from this machine: by its process alone",
    { address: "127.0.0.1", url: "http://127.0.0.1:8000" },
    { address: null, url: null },
  ],
  ["from this machine, IPv6", { address: "::1" }, { address: null, url: null }],
  ["from this machine, IPv4 as IPv6", { address: "::ffff:127.0.0.1" }, { address: null, url: null }],
  ["from a private network, where many share an address", { address: "10.1.2.3" }, { address: null, url: null }],
  ["from the internet: by its address too", { address: "198.51.100.1" }, { address: "198.51.100.1", url: null }],
  ["that says it listens somewhere: that may be another's place", { url: URL_ }, { address: null, url: null }],
  ["that we have dialled: not again", { url: URL_, direction: "outbound" }, { address: null, url: URL_ }],
];

test.each(cases)("who breaks a rule is kept out for a day: one %s", async (_name, options, expected) => {
  const link = fakeLink("villain", options);
  const { bans, told, judge } = court(link);
  judge.misbehaved(link, "invalid-block");
  const { instance } = identityOf("villain");
  expect(bans).toEqual([{ ...expected, instance, reason: "invalid-block", since: 1_000, until: 1_000 + BAN_SECONDS }]);
  expect(told).toEqual(["invalid-block"]);
  expect(await link.closed).toBe("it misbehaved: invalid-block");
});

test("a link is judged once, whatever else it did, and one that has ended not at all", () => {
  const link = fakeLink("villain");
  const { bans, told, judge } = court(link);
  for (const offence of ["flood", "invalid-block", "flood"] satisfies Offence[]) judge.misbehaved(link, offence);
  judge.disappointed(link, "no-answer");
  judge.misbehaved(fakeLink("gone"), "flood");
  judge.disappointed(fakeLink("gone"), "no-answer");
  expect([bans.length, told]).toEqual([1, ["flood"]]);
});

test.each([
  ["stalled-download", 3],
  ["no-block", 3],
  ["no-answer", 5],
  ["lying-tip", 5],
] as const)("%s %i times ends a link, without a ban", async (shortcoming, times) => {
  const link = fakeLink("slow");
  const { active, bans, told, judge } = court(link);
  for (let time = 1; time < times; time++) judge.disappointed(link, shortcoming);
  expect([told, active.score < 100]).toEqual([[], true]);
  judge.disappointed(link, shortcoming);
  expect([bans, told]).toEqual([[], [shortcoming]]);
  expect(await link.closed).toBe(`it is of no use: ${shortcoming}`);
});

test("shortcomings of several kinds add up", () => {
  const link = fakeLink("slow");
  const { told, judge } = court(link);
  for (const shortcoming of ["no-answer", "lying-tip", "stalled-download"] as const) judge.disappointed(link, shortcoming);
  expect(told).toEqual([]);
  judge.disappointed(link, "no-block");
  expect(told).toEqual(["no-block"]);
});
