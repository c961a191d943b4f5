/*
 * A process for tests of file locks: `node lock-worker.ts FIRST [SECOND]` takes the first lock, says "first", waits for a line, then
 * takes the second inside it ("within") or as if it had nothing to do with it ("apart"), and says how that ended as JSON.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { FileLock } from "../../src/core/files/file-lock.ts";

const [first, second, how = "within", timeoutMs = "20000"] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });
await new FileLock(first!).withLock(
  async (held) => {
    process.stdout.write("first\n");
    await once(lines, "line");
    if (second === undefined) return;
    const options = { timeoutMs: Number(timeoutMs), ...(how === "within" ? { within: held } : {}) };
    const answer = await new FileLock(second)
      .withLock(() => ({ ok: true }), options)
      .catch(({ code, message }: { code: string; message: string }) => ({ code, message }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  },
  { timeoutMs: 20_000 },
);
lines.close();
