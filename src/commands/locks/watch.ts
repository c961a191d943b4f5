import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { LocksAnswer } from "../../core/client/index.ts";
import { renderWatch } from "../../ui/lock-watch.ts";

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
    const [{ parseSeconds }, { watch }] = await Promise.all([import("../../ui/seconds.ts"), import("../../ui/watch.ts")]);
    const everyMs = parseSeconds(flags.every) * 1_000;
    const client = await this.connect(flags);
    await watch<LocksAnswer>({
      everyMs,
      times: flags.times,
      isJson: this.jsonEnabled(),
      look: (signal) => client.get("/v1/locks", { signal }),
      draw: renderWatch,
      print: (answer) => this.logJson(answer),
    });
  }
}
