import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { BlockAnswer } from "../../core/client/index.ts";
import { blockFields } from "../../ui/answers.ts";
import { renderFields } from "../../ui/table.ts";

export default class ChainBlock extends BaseCommand {
  static override summary = "Show a block by its hash or height";
  static override examples = ["<%= config.bin %> <%= command.id %> 0", "<%= config.bin %> <%= command.id %> tip"];
  static override args = {
    block: Args.string({ required: true, description: "hash, height, or tip" }),
  };

  async run(): Promise<BlockAnswer> {
    const { args, flags } = await this.parse(ChainBlock);
    const block = await (await this.connect(flags)).get<BlockAnswer>(`/v1/blocks/${encodeURIComponent(args.block)}`);
    this.log(renderFields(blockFields(block)));
    for (const txid of block.transactions) this.log(`  ${txid}`);
    return block;
  }
}
