import { ChainCoreError } from "../core/client/index.ts";

/**
 * Runs something that lasts until it is done or told to stop. The first Ctrl-C (or SIGTERM) aborts the signal, so that
 * all can be closed cleanly; a second one forces the end.
 * @throws ChainCoreError interrupted (exit status 130) when Ctrl-C ended it; SIGTERM ends it in good order
 */
export async function untilInterrupted<R>(run: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const stop = new AbortController();
  let by: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (by !== undefined) process.exit(130);
    by = signal;
    if (process.stderr.isTTY) process.stderr.write("\nclosing (Ctrl-C again to force)\n");
    stop.abort(new ChainCoreError("interrupted", "interrupted"));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const result = await run(stop.signal);
    if (by === "SIGINT") throw stop.signal.reason;
    return result;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
