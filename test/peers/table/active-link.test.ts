import { describe, expect, test } from "vitest";
import { type ActiveLink, chooseEviction, isNewLinkBetter } from "../../../src/core/peers/table/active-link.ts";
import { seededNumbers } from "../../support/seeded.ts";
import { activeLink, type FakeLinkOptions, fakeLink } from "./fake-link.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() & 0xffffff);
console.log(`peers/table/active-link: seed ${SEED}`);
const next = seededNumbers(SEED);

const linkAt = (openedMs: number, address: string, more: Partial<ActiveLink> = {}, options: FakeLinkOptions = {}) =>
  activeLink(fakeLink(`n${openedMs}`, { openedMs, address, ...options }), more);

describe("which inbound link gives way", () => {
  test("none among twelve: each may be one that has proved its worth", () => {
    const links = Array.from({ length: 12 }, (_, number) => linkAt(number, "198.51.100.1"));
    expect(chooseEviction(links)).toBeUndefined();
    expect(chooseEviction([...links, linkAt(12, "198.51.100.1")])).toBeDefined();
    expect(chooseEviction([])).toBeUndefined();
  });

  test("never one that we have dialled", () => {
    const dialled = Array.from({ length: 40 }, (_, number) => linkAt(number, "198.51.100.1", {}, { direction: "outbound" }));
    expect(chooseEviction(dialled)).toBeUndefined();
  });

  test("the newest of the address that most come from", () => {
    const few = Array.from({ length: 20 }, (_, number) => linkAt(number, `203.0.113.${number}`));
    const crowd = Array.from({ length: 8 }, (_, number) => linkAt(100 + number, "198.51.100.1"));
    expect(chooseEviction([...few, ...crowd])?.link.openedMs).toBe(107);
  });

  test("whoever floods a node with links does not push out the near, the useful and the old", () => {
    const near = Array.from({ length: 4 }, (_, number) => linkAt(1_000 + number, "203.0.113.1", { latencyMinMs: 1 }));
    const useful = Array.from({ length: 4 }, (_, number) => linkAt(1_010 + number, "203.0.113.1", { lastUseful: 99 }));
    const old = Array.from({ length: 4 }, (_, number) => linkAt(number, "203.0.113.1"));
    const worthy = new Set([...near, ...useful, ...old]);
    let links = [...worthy];
    for (let number = 0; number < 500; number++) {
      const latencyMinMs = 2 + (next() % 100);
      links.push(linkAt(2_000 + number, `198.51.100.${next() % 5}`, { latencyMinMs }));
      const loser = links.length > 64 ? chooseEviction(links) : undefined;
      links = links.filter((link) => link !== loser);
    }
    expect(links).toHaveLength(64);
    expect(links.filter((link) => worthy.has(link))).toHaveLength(12);
  });
});

describe("of two links between two nodes", () => {
  test.each([
    ["a", "b"],
    ["b", "a"],
    ["0", "f"],
  ])("%s and %s choose the same one, whoever dialled first", (a, b) => {
    for (const first of [a, b])
      for (const second of [a, b]) {
        const view = (own: string, other: string) =>
          isNewLinkBetter(own, other, first === own ? "outbound" : "inbound", second === own);
        expect(view(a, b)).toBe(view(b, a));
      }
  });

  test("the one that the smaller instance has dialled stays; of two from the same side, the newer", () => {
    expect(isNewLinkBetter("a", "b", "inbound", true)).toBe(true);
    expect(isNewLinkBetter("a", "b", "outbound", false)).toBe(false);
    expect(isNewLinkBetter("a", "b", "outbound", true)).toBe(true);
    expect(isNewLinkBetter("b", "a", "inbound", false)).toBe(true);
  });
});
