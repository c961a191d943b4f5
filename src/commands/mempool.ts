import { BaseCommand } from "../base.ts";
import type { MempoolAnswer } from "../core/client/index.ts";
import { mempoolColumns, mempoolFields } from "../ui/answers.ts";
import { renderFields, renderTable, terminalWidth } from "../ui/table.ts";

export default class Mempool extends BaseCommand {
  static override summary = "Show what waits for a block, the best paying first";
  static override examples = ["<%= config.bin %> <%= command.id %>"];

  async run(): Promise<MempoolAnswer> {
    const { flags } = await this.parse(Mempool);
    const pool = await (await this.connect(flags)).get<MempoolAnswer>("/v1/mempool");
    this.log(renderFields(mempoolFields(pool)));
    if (pool.entries.length > 0) this.log(renderTable(mempoolColumns, pool.entries, { width: terminalWidth() }));
    return pool;
  }
}
