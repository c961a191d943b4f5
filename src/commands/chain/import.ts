import { resolve } from "node:path";
import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { ImportAnswer } from "../../core/client/index.ts";

export default class ChainImport extends BaseCommand {
  static override summary = "Take the blocks of a file in Bitcoin Core's format, each checked as if a peer had sent it";
  static override description = "Asks the running node, or hosts one for as long as it takes. Blocks may stand in any order.";
  static override examples = ["<%= config.bin %> <%= command.id %> blk00000.dat"];
  static override args = {
    file: Args.file({ required: true, exists: true, description: "block file (blkNNNNN.dat)" }),
  };

  async run(): Promise<ImportAnswer> {
    const { args, flags } = await this.parse(ChainImport);
    const { askOrHost } = await import("../../core/index.ts");
    const answer = await askOrHost(this.place(flags), (client) =>
      client.post<ImportAnswer>("/v1/import", { path: resolve(args.file) }),
    );
    const { blocks, added, known, invalid, orphans, height, tip } = answer;
    this.log(`${blocks} blocks read: ${added} new, ${known} known, ${invalid} invalid, ${orphans} without a parent`);
    this.log(`the best chain ends at height ${height}: ${tip}`);
    return answer;
  }
}
