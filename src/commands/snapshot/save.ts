import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { SnapshotAnswer } from "../../core/client/index.ts";

export default class SnapshotSave extends BaseCommand {
  static override summary = "Give the present chain state a name to come back to";
  static override description =
    "Costs a line in a file, whatever the number of coins: blocks and undo data are kept anyway. Asks the running node, or hosts one for as long as it takes.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> before-upgrade",
    "<%= config.bin %> <%= command.id %> hundred --height 100",
  ];
  static override args = {
    name: Args.string({ required: true, description: "letters, digits, dots, dashes and underscores" }),
  };
  static override flags = {
    height: Flags.integer({ min: 0, description: "height of the best chain [default: the tip]" }),
  };

  async run(): Promise<SnapshotAnswer> {
    const { args, flags } = await this.parse(SnapshotSave);
    const { askOrHost } = await import("../../core/index.ts");
    const onProgress = (sentence: string) => this.logToStderr(sentence);
    const saved = await askOrHost(
      this.place(flags),
      (client) => client.post<SnapshotAnswer>("/v1/snapshots/save", { name: args.name, height: flags.height }),
      { onProgress },
    );
    this.log(`snapshot ${saved.name} is height ${saved.height}: ${saved.hash}`);
    return saved;
  }
}
