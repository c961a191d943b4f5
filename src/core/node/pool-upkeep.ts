import { acceptTransaction, tellRemovals } from "./accept-transaction.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";

/** How often old transactions are looked for and the journal's size is. */
const UPKEEP_MS = 60_000;
/** The journal is written anew when it holds so much more than the pool. */
const STALE_BYTES_MAX = 4_000_000;
/** Judged at once after a start, so that their scripts share the verifier's threads. */
const RESTORE_AT_ONCE = 256;

/** Brings the pool back after a start, drops what has waited too long, and keeps the journal short. */
export async function keepPoolTidy(node: NodeParts): Promise<{ stop(): void }> {
  await restorePool(node);
  const timer = setInterval(() => {
    upkeep(node).catch((error: unknown) => node.log.warn({ error: String(error) }, "the pool was not tidied"));
  }, UPKEEP_MS).unref();
  return {
    stop: () => {
      clearInterval(timer);
      node.journal.close();
    },
  };
}

async function restorePool(node: NodeParts): Promise<void> {
  const { journal, locks, mempool, log } = node;
  const transactions = await journal.read();
  if (transactions.length === 0) return;
  for (let at = 0; at < transactions.length; at += RESTORE_AT_ONCE) {
    const batch = transactions.slice(at, at + RESTORE_AT_ONCE);
    // A child in the batch of its parent does not find it yet: it is judged once more below. Others that fail were mined.
    const outcomes = await Promise.all(
      batch.map((tx) => locks.task("restore the pool", (at) => acceptTransaction(at, node, tx))),
    );
    const orphans = batch.filter((_, i) => {
      const outcome = outcomes[i]!;
      return outcome.kind === "rejected" && outcome.why.kind === "missing-inputs";
    });
    for (const tx of orphans) await locks.task("restore the pool", (at) => acceptTransaction(at, node, tx));
  }
  await journal.rewrite(Array.from(mempool.entries(), ({ tx }) => tx));
  log.info({ read: transactions.length, pooled: mempool.size }, "pool restored");
}

async function upkeep({ locks, mempoolLock, mempool, clock, events, journal }: NodeParts): Promise<void> {
  await locks.task("tidy the pool", (at) =>
    mempoolLock.withWrite(at, (at) => tellRemovals(events, mempool.expire(at, nowSeconds(clock))), { site: "expire" }),
  );
  const pooledBytes = Array.from(mempool.entries()).reduce((sum, { tx }) => sum + tx.size + 4, 0);
  if (journal.bytes > pooledBytes + STALE_BYTES_MAX) await journal.rewrite(Array.from(mempool.entries(), ({ tx }) => tx));
}
