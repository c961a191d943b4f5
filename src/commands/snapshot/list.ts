import { BaseCommand } from "../../base.ts";
import type { SnapshotsAnswer } from "../../core/client/index.ts";
import { snapshotColumns } from "../../ui/snapshots.ts";
import { renderTable, terminalWidth } from "../../ui/table.ts";

export default class SnapshotList extends BaseCommand {
  static override summary = "List the saved chain states, and how far each is from the tip";
  static override description = "Asks the running node, or hosts one for as long as it takes.";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --json | jq -r '.snapshots[].name'",
  ];

  async run(): Promise<SnapshotsAnswer> {
    const { flags } = await this.parse(SnapshotList);
    const { askOrHost } = await import("../../core/index.ts");
    const onProgress = (sentence: string) => this.logToStderr(sentence);
    const answer = await askOrHost(this.place(flags), (client) => client.get<SnapshotsAnswer>("/v1/snapshots"), { onProgress });
    const { snapshots, parked } = answer;
    if (snapshots.length > 0) this.log(renderTable(snapshotColumns, snapshots, { width: terminalWidth() }));
    else this.logToStderr('No snapshot is saved yet; "chaincore snapshot save NAME" saves the tip.');
    if (parked)
      this.log(
        `parked: the branch to ${parked.hash} (height ${parked.height}), since height ${parked.restoredHeight} was restored`,
      );
    return answer;
  }
}
