import { resolve } from "node:path";
import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { TransferAnswer } from "../../core/sessions/transfer.ts";
import { formatBytes } from "../../ui/units.ts";

export default class SessionImport extends BaseCommand {
  static override summary = "Make a session of a file that session export has written";
  static override description = "A damaged file makes nothing; a session that stands is not touched.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> alpha.session",
    "<%= config.bin %> <%= command.id %> alpha.session beta",
  ];
  static override args = {
    file: Args.string({ required: true, description: "file to read" }),
    name: Args.string({ description: "name of the new session [default: the name it had]" }),
  };

  async run(): Promise<TransferAnswer> {
    const { args, flags } = await this.parse(SessionImport);
    const { importSession } = await import("../../core/index.ts");
    const answer = await importSession(this.place(flags).home, resolve(args.file), args.name);
    this.log(`session ${answer.session}: ${answer.files} files, ${formatBytes(answer.bytes)} from ${answer.path}`);
    return answer;
  }
}
