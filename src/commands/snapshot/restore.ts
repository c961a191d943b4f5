import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { RestoreAnswer } from "../../core/client/index.ts";
import { restoreSentences } from "../../ui/snapshots.ts";

export default class SnapshotRestore extends BaseCommand {
  static override summary = "Make a saved chain state the tip again, any number of times";
  static override description =
    "The branch that is left stays on disk, parked: it does not come back, nor after a restart, until a branch built on the restored tip has more work. Save its tip first to return to it, or call reconsiderblock. Transactions of blocks that are taken back wait in the pool again, as after a reorganisation. Asks the running node, or hosts one for as long as it takes.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> before-upgrade",
    "<%= config.bin %> <%= command.id %> before-upgrade --json | jq .height",
  ];
  static override args = {
    name: Args.string({ required: true, description: "name of the snapshot" }),
  };

  async run(): Promise<RestoreAnswer> {
    const { args, flags } = await this.parse(SnapshotRestore);
    const { askOrHost } = await import("../../core/index.ts");
    const onProgress = (sentence: string) => this.logToStderr(sentence);
    const answer = await askOrHost(
      this.place(flags),
      (client) => client.post<RestoreAnswer>("/v1/snapshots/restore", { name: args.name }),
      { onProgress },
    );
    for (const sentence of restoreSentences(answer)) this.log(sentence);
    return answer;
  }
}
