import { setTimeout as sleep } from "node:timers/promises";
import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { LocksAnswer } from "../../core/client/index.ts";
import { untilInterrupted } from "../../ui/interrupt.ts";
import { LiveView } from "../../ui/live-view.ts";
import { renderWatch } from "../../ui/lock-watch.ts";

/** Columns that LiveView keeps for the codes of the bold head. */
const MARGIN = 10;

export default class LocksWatch extends BaseCommand {
  static override summary = "Watch the running node's locks, live on a terminal, else a line of JSON each time";
  static override description = "Between two looks, the most contended lock first. Ctrl-C ends it.";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --every 0.2 --times 50 --json > locks.ndjson",
  ];
  static override flags = {
    every: Flags.string({ description: "seconds between two looks", default: "0.5", helpValue: "S" }),
    times: Flags.integer({ description: "end after so many looks", min: 1 }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LocksWatch);
    const { parseSeconds } = await import("../../ui/seconds.ts");
    const everyMs = parseSeconds(flags.every) * 1_000;
    const client = await this.connect(flags);
    await untilInterrupted(async (signal) => {
      using view = new LiveView(process.stdout);
      let before: LocksAnswer | undefined;
      for (let look = 1; !signal.aborted; look++) {
        const answer = await client.get<LocksAnswer>("/v1/locks", { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        if (answer === undefined) return;
        if (view.isLive && !this.jsonEnabled()) {
          const { columns, rows } = process.stdout; // Both 0 on some pseudo-terminals.
          view.draw(renderWatch(answer, before, { width: (columns || 80) - MARGIN, height: rows || 24 }));
        } else this.logJson(answer);
        if (look === flags.times) return;
        before = answer;
        await sleep(everyMs, undefined, { signal }).catch(() => {});
      }
    });
  }
}
