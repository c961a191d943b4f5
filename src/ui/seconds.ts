import { ChainCoreError } from "../core/client/index.ts";

/** A day. */
const SECONDS_MAX = 86_400;

/** Seconds as a user typed them: `0`, `10`, `0.5`. @throws ChainCoreError usage */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0 && seconds <= SECONDS_MAX) return seconds;
  throw new ChainCoreError("usage", `${JSON.stringify(text.slice(0, 40))} is no time in seconds, such as 10 or 0.5`);
}
