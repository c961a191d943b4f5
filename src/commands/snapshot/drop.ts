import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { SnapshotAnswer } from "../../core/client/index.ts";

export default class SnapshotDrop extends BaseCommand {
  static override summary = "Forget the name of a saved chain state; the chain stays as it is";
  static override description = "Asks the running node, or hosts one for as long as it takes.";
  static override examples = ["<%= config.bin %> <%= command.id %> before-upgrade"];
  static override args = {
    name: Args.string({ required: true, description: "name of the snapshot" }),
  };

  async run(): Promise<SnapshotAnswer> {
    const { args, flags } = await this.parse(SnapshotDrop);
    const { askOrHost } = await import("../../core/index.ts");
    const onProgress = (sentence: string) => this.logToStderr(sentence);
    const dropped = await askOrHost(
      this.place(flags),
      (client) => client.post<SnapshotAnswer>("/v1/snapshots/drop", { name: args.name }),
      { onProgress },
    );
    this.log(`snapshot ${dropped.name} (height ${dropped.height}) is forgotten`);
    return dropped;
  }
}
