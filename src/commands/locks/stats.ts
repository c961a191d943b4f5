import { BaseCommand } from "../../base.ts";
import type { LocksAnswer } from "../../core/client/index.ts";
import { renderLocks } from "../../ui/locks.ts";
import { terminalWidth } from "../../ui/table.ts";

export default class LocksStats extends BaseCommand {
  static override summary = "Show how the running node's locks are used, and how its five health figures stand";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> --json | jq .kpis"];

  async run(): Promise<LocksAnswer> {
    const { flags } = await this.parse(LocksStats);
    const answer = await (await this.connect(flags)).get<LocksAnswer>("/v1/locks");
    this.log(renderLocks(answer, terminalWidth()));
    return answer;
  }
}
