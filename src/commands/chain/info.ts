import { BaseCommand } from "../../base.ts";
import type { ChainInfo } from "../../core/client/index.ts";
import { chainInfoFields } from "../../ui/answers.ts";
import { renderFields } from "../../ui/table.ts";

export default class ChainInfoCommand extends BaseCommand {
  static override summary = "Show the best chain: tip, work, coins, side branches";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> --json | jq .height"];

  async run(): Promise<ChainInfo> {
    const { flags } = await this.parse(ChainInfoCommand);
    const info = await (await this.connect(flags)).get<ChainInfo>("/v1/chain");
    this.log(renderFields(chainInfoFields(info)));
    return info;
  }
}
