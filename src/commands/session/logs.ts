import { setTimeout as sleep } from "node:timers/promises";
import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import { untilInterrupted } from "../../ui/interrupt.ts";
import { formatLogLine } from "../../ui/log-line.ts";

const LOOK_MS = 200;

export default class SessionLogs extends BaseCommand {
  static override summary = "Show the end of the nodes' logs; with --follow, what comes too";
  static override examples = [
    "<%= config.bin %> <%= command.id %> -f",
    "<%= config.bin %> <%= command.id %> --node core1 --json | jq .msg",
  ];
  static override flags = {
    follow: Flags.boolean({ char: "f", description: "go on until Ctrl-C" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SessionLogs);
    const { logTails } = await import("../../core/client/index.ts");
    const tails = await logTails(this.place(flags));
    await untilInterrupted(async (signal) => {
      do {
        for (const [node, tail] of tails) {
          const prefix = tails.size > 1 ? `${node} ` : "";
          for (const line of await tail.more())
            process.stdout.write(`${this.jsonEnabled() ? line : prefix + formatLogLine(line)}\n`);
        }
        if (flags.follow) await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
      } while (flags.follow && !signal.aborted);
    });
  }
}
