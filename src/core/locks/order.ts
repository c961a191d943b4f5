import { assert } from "../errors.ts";
import { type HeldSite, LockOrderError } from "./errors.ts";
import { RECORD } from "./layout.ts";
import type { Mode } from "./levels.ts";
import type { LockCore } from "./lock-core.ts";
import type { Owner } from "./owner.ts";
import { rememberOrder } from "./same-level.ts";

/**
 * Called where an acquisition does not simply step up. True: the strand holds the lock already and reads it once more, which never
 * waits. False: another lock of the same level, in an order that no strand has turned round.
 * @throws LockOrderError for everything else, before anything is attempted.
 */
export function checkOrder(lock: LockCore, owner: Owner, mode: Mode, record: number): boolean {
  assert(!owner.isClosed, `lock "${lock.name}": the context of "${owner.label}" was used after its task had ended`);
  assert(
    !owner.isWaiting,
    `lock "${lock.name}": "${owner.label}" waits already: a context has one wait at a time, parallel branches fork`,
  );
  const { records } = lock.space;
  const wanted: HeldSite = { lock: lock.name, level: lock.order, site: records.siteOf(record) };
  const own = owner.placeOf(lock);
  if (own >= 0 && mode === "read") {
    owner.holds[own]!.nested++;
    return true;
  }
  const refuse = (held: HeldSite, reason: string, always = false): void => {
    records.count(record, RECORD.ORDER_VIOLATIONS);
    if (lock.policy.enforceOrder || always) throw new LockOrderError(wanted, held, reason);
  };
  for (const held of owner.heldLocks()) {
    if (held.lock === lock.name && held.level === lock.order) refuse(held, "a strand cannot wait for itself", true);
    if (held.level > lock.order) refuse(held, "locks are taken in ascending order of level");
    if (held.level !== lock.order) continue;
    const seen = rememberOrder(lock.layout, lock.space.orders, [held.index, held.record], [lock.index, record]);
    if (seen === undefined) continue;
    const before = `${records.siteOf(seen.beforeRecord)}, then ${records.siteOf(seen.afterRecord)}`;
    refuse(
      held,
      `two locks of one level are always taken in the same order, and they were taken the other way round at ${before}`,
    );
  }
  return false;
}
