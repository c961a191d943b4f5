import { assert } from "../errors.ts";
import { outpointKeyAt } from "../primitives/outpoint.ts";
import type { CoinDiff } from "./changes.ts";
import type { CoinEntry } from "./coin-view.ts";
import type { CommitLog } from "./reclaimer.ts";
import type { CoinSnapshot } from "./snapshot.ts";

/** The net effect of `commits`, which lead from one snapshot to the other. A coin that went and came back as it was is in neither list. */
export function diffOf(commits: readonly CommitLog[], from: CoinSnapshot, to: CoinSnapshot): CoinDiff {
  assert(from.version <= to.version, "a difference is asked for from the older snapshot to the newer one");
  const spent = new Map<string, CoinEntry>();
  const created = new Map<string, CoinEntry>();
  for (const commit of commits) {
    for (const record of commit.spent) if (from.view.isVisible(record, from.version)) add(spent, from, record);
    for (const record of commit.created) if (to.view.isVisible(record, to.version)) add(created, to, record);
  }
  for (const [key, [, before]] of spent) {
    const after = created.get(key)?.[1];
    const isSame =
      after !== undefined &&
      after.value === before.value &&
      after.height === before.height &&
      after.isCoinbase === before.isCoinbase &&
      Buffer.compare(after.script, before.script) === 0;
    if (isSame && spent.delete(key)) created.delete(key);
  }
  from.check();
  to.check();
  return { created: [...created.values()], spent: [...spent.values()] };
}

function add(entries: Map<string, CoinEntry>, snapshot: CoinSnapshot, record: number): void {
  const outpoint = snapshot.view.outpoint(record);
  entries.set(outpointKeyAt(outpoint, 0), [outpoint, snapshot.view.coin(record)]);
}
