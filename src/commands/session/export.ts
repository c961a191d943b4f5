import { resolve } from "node:path";
import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { TransferAnswer } from "../../core/sessions/transfer.ts";
import { formatBytes } from "../../ui/units.ts";

export default class SessionExport extends BaseCommand {
  static override summary = "Write a whole session to one file: its registry, mnemonic, chains and databases";
  static override description =
    "None of its nodes may run. The file holds the mnemonic: whoever reads it can spend the session's coins. It is made readable by you only. Logs, cookies and known peers stay behind. An existing file is replaced once the new one is whole.";
  static override examples = ["<%= config.bin %> <%= command.id %> alpha.session -s alpha"];
  static override args = {
    file: Args.string({ required: true, description: "file to write" }),
  };

  async run(): Promise<TransferAnswer> {
    const { args, flags } = await this.parse(SessionExport);
    const { exportSession } = await import("../../core/index.ts");
    const answer = await exportSession(this.place(flags), resolve(args.file));
    this.log(`session ${answer.session}: ${answer.files} files, ${formatBytes(answer.bytes)} in ${answer.path}`);
    this.logToStderr("The file holds the session's mnemonic: keep it as you would keep the keys.");
    return answer;
  }
}
