import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RateLimiter } from "../../src/core/peers/rate-limiter.ts";

const clock = { monotonicMs: () => performance.now() };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("20 a second with a burst of 50 admits 150 in five seconds", async () => {
  const limiter = new RateLimiter({ requestsPerSecond: 20, burstSize: 50 }, clock);
  let admitted = 0;
  for (let ms = 0; ms <= 5000; ms++) {
    while (limiter.tryAcquire()) admitted++;
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(Math.abs(admitted - 150)).toBeLessThanOrEqual(2);
});

test("acquire with no time to wait answers at once", async () => {
  const limiter = new RateLimiter({ requestsPerSecond: 1, burstSize: 1 }, clock);
  expect([await limiter.acquire(0), await limiter.acquire(0), await limiter.acquire(999)]).toEqual([true, false, false]);
  expect(limiter.waiting).toBe(0);
});

test("who waits is served in order, and nobody overtakes", async () => {
  const limiter = new RateLimiter({ requestsPerSecond: 10, burstSize: 1 }, clock);
  const served: number[] = [];
  for (let n = 0; n < 5; n++) void limiter.acquire(10_000).then(() => served.push(n));
  await vi.advanceTimersByTimeAsync(150);
  expect([limiter.tryAcquire(), served]).toEqual([false, [0, 1]]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(served).toEqual([0, 1, 2, 3, 4]);
});

test("no token is lost over ten hours of odd intervals", async () => {
  let now = 0;
  const limiter = new RateLimiter({ requestsPerSecond: 7, burstSize: 3 }, { monotonicMs: () => now });
  let admitted = 0;
  for (let step = 0; now < 36_000_000; step++) {
    now += 3.7 + (step % 13);
    while (limiter.tryAcquire()) admitted++;
  }
  expect(Math.abs(admitted - (3 + (now / 1000) * 7))).toBeLessThan(2);
});

test("a waiter that is aborted leaves the queue and takes no token", async () => {
  const limiter = new RateLimiter({ requestsPerSecond: 10, burstSize: 1 }, clock);
  expect(await limiter.acquire(0)).toBe(true);
  const abort = new AbortController();
  const first = limiter.acquire(10_000, abort.signal);
  const second = limiter.acquire(10_000);
  abort.abort();
  await expect(first).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(110);
  expect(await second).toBe(true);
});
