import { setTimeout as sleep } from "node:timers/promises";
import { untilInterrupted } from "./interrupt.ts";
import { LiveView } from "./live-view.ts";

/** Columns that LiveView keeps for the codes of the bold head. */
const MARGIN = 10;

export interface Watch<Answer> {
  readonly everyMs: number;
  /** Undefined: until Ctrl-C. */
  readonly times: number | undefined;
  readonly look: (signal: AbortSignal) => Promise<Answer>;
  /** On a terminal. */
  readonly draw: (answer: Answer, before: Answer | undefined, size: { width: number; height: number }) => readonly string[];
  /** Elsewhere. */
  readonly print: (answer: Answer) => void;
  readonly isJson: boolean;
}

/** Looks again and again: drawn in place on a terminal, else something printed each time. */
export async function watch<Answer>({ everyMs, times, look, draw, print, isJson }: Watch<Answer>): Promise<void> {
  await untilInterrupted(async (signal) => {
    using view = new LiveView(process.stdout);
    let before: Answer | undefined;
    for (let turn = 1; !signal.aborted; turn++) {
      const answer = await look(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (answer === undefined) return;
      const { columns, rows } = process.stdout; // Both 0 on some pseudo-terminals.
      if (view.isLive && !isJson) view.draw(draw(answer, before, { width: (columns || 80) - MARGIN, height: rows || 24 }));
      else print(answer);
      if (turn === times) return;
      before = answer;
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  });
}
