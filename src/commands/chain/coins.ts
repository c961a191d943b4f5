import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { CoinsAnswer } from "../../core/client/index.ts";
import { formatAmount } from "../../ui/amounts.ts";
import { coinColumns } from "../../ui/answers.ts";
import { renderTable, terminalWidth } from "../../ui/table.ts";

export default class ChainCoins extends BaseCommand {
  static override summary = "List the unspent coins of an address";
  static override examples = ["<%= config.bin %> <%= command.id %> bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"];
  static override args = {
    address: Args.string({ required: true, description: "address of this chain's network" }),
  };

  async run(): Promise<CoinsAnswer> {
    const { args, flags } = await this.parse(ChainCoins);
    const answer = await (await this.connect(flags)).get<CoinsAnswer>(`/v1/coins/${encodeURIComponent(args.address)}`);
    if (answer.coins.length > 0) this.log(renderTable(coinColumns, answer.coins, { width: terminalWidth() }));
    this.log(`${answer.coins.length} coins, ${formatAmount(answer.totalSats)} in all, at height ${answer.height}`);
    return answer;
  }
}
