import { setTimeout as sleep } from "node:timers/promises";
import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { LocksAnswer } from "../../core/client/index.ts";
import { untilInterrupted } from "../../ui/interrupt.ts";
import { LiveView } from "../../ui/live-view.ts";
import { renderLocks } from "../../ui/locks.ts";

export default class LocksWatch extends BaseCommand {
  static override summary = "Watch the running node's locks, live on a terminal, else a line of JSON each time";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --every 0.2 --times 50 --json > locks.ndjson",
  ];
  static override flags = {
    every: Flags.string({ description: "seconds between two looks", default: "1", helpValue: "S" }),
    times: Flags.integer({ description: "end after so many looks", min: 1 }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LocksWatch);
    const { parseSeconds } = await import("../../ui/seconds.ts");
    const everyMs = parseSeconds(flags.every) * 1_000;
    const client = await this.connect(flags);
    await untilInterrupted(async (signal) => {
      using view = new LiveView(process.stdout);
      for (let look = 1; !signal.aborted; look++) {
        const answer = await client.get<LocksAnswer>("/v1/locks", { signal });
        if (view.isLive && !this.jsonEnabled()) view.draw(renderLocks(answer).split("\n"));
        else this.logJson(answer);
        if (look === flags.times) return;
        await sleep(everyMs, undefined, { signal }).catch(() => {});
      }
    });
  }
}
