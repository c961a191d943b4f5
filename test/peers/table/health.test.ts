import { expect, test } from "vitest";
import type { LinkHandler, PeerTip } from "../../../src/core/peers/link.ts";
import type { ActiveLink } from "../../../src/core/peers/table/active-link.ts";
import { checkHealth } from "../../../src/core/peers/table/health.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import { until } from "../sync/sync-node.ts";
import { activeLink, fakeLink, TIP } from "./fake-link.ts";

const alive: LinkHandler = () => encodeTip(TIP);
const dead: LinkHandler = () => {
  throw new DOMException("no answer", "TimeoutError"); // As a link ends a question that nobody answers, only sooner.
};

const check = (links: readonly ActiveLink[], heard: (active: ActiveLink, tip: PeerTip) => void = () => undefined) =>
  checkHealth({ links: () => links, tip: () => TIP, clock: { monotonicMs: () => performance.now() }, heard });

test("a link that does not answer three times ends, and not before; one that answers stays", async () => {
  const [mute, fine] = [activeLink(fakeLink("mute", { handler: dead })), activeLink(fakeLink("fine", { handler: alive }))];
  let ended: string | undefined;
  void mute.link.closed.then((reason) => {
    ended = reason;
  });
  await check([mute, fine]);
  await check([mute, fine]);
  expect([ended, mute.missed, fine.missed]).toEqual([undefined, 2, 0]);
  await check([mute, fine]);
  expect(await mute.link.closed).toBe("it does not answer");
  expect(fine.latencyMinMs).toBeGreaterThanOrEqual(0);
});

test("an answer forgets the misses before it, takes a point off the score, and tells where the peer stands", async () => {
  const heard: PeerTip[] = [];
  const active = activeLink(fakeLink("back", { handler: alive }), { missed: 2, score: 34 });
  await check([active], (_active, tip) => void heard.push(tip));
  expect([active.missed, active.score, heard]).toEqual([0, 33, [TIP]]);
});

test("what is no answer to a ping ends the link at once", async () => {
  const active = activeLink(fakeLink("odd", { handler: () => Uint8Array.of(1, 2) }));
  await check([active]);
  expect(await active.link.closed).toMatch(/answer/);
});

test("ten are asked at a time, and each of a hundred once", async () => {
  let asked = 0;
  let underWay = 0;
  let most = 0;
  const answers: (() => void)[] = [];
  const handler: LinkHandler = async () => {
    asked++;
    most = Math.max(most, ++underWay);
    await new Promise<void>((resolve) => answers.push(resolve));
    underWay--;
    return encodeTip(TIP);
  };
  const round = check(Array.from({ length: 100 }, (_, number) => activeLink(fakeLink(`n${number}`, { handler }))));
  await until("ten", () => underWay === 10);
  let isOver = false;
  void round.finally(() => {
    isOver = true;
  });
  await until("all", () => {
    answers.shift()?.();
    return isOver;
  });
  expect([asked, most]).toEqual([100, 10]);
});
