import { resolve } from "node:path";
import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { ExportAnswer } from "../../core/client/index.ts";
import { formatBytes } from "../../ui/units.ts";

export default class ChainExport extends BaseCommand {
  static override summary = "Write the best chain to a file in Bitcoin Core's block format, genesis first";
  static override description =
    "Asks the running node, or hosts one for as long as it takes. An existing file is replaced once the new one is whole.";
  static override examples = ["<%= config.bin %> <%= command.id %> mine.dat"];
  static override args = {
    file: Args.string({ required: true, description: "file to write" }),
  };

  async run(): Promise<ExportAnswer> {
    const { args, flags } = await this.parse(ChainExport);
    const { askOrHost } = await import("../../core/index.ts");
    const answer = await askOrHost(this.place(flags), (client) =>
      client.post<ExportAnswer>("/v1/export", { path: resolve(args.file) }),
    );
    this.log(`${answer.blocks} blocks, ${formatBytes(answer.bytes)} in ${answer.path}`);
    return answer;
  }
}
