import type { HeldSite } from "./errors.ts";
import type { LockSpace } from "./space.ts";

/** Remembers that `wanted` was taken inside `held`, both of one level. Returns why not, if that turns an order seen before round. */
export function inversionOf(_space: LockSpace, held: HeldSite, wanted: HeldSite): string | undefined {
  return held.lock < wanted.lock ? undefined : "locks of one level are taken in the order of their names";
}
