import { BaseCommand } from "../base.ts";
import type { AccountsAnswer } from "../core/client/index.ts";
import { accountColumns } from "../ui/answers.ts";
import { renderTable, terminalWidth } from "../ui/table.ts";

export default class Accounts extends BaseCommand {
  static override summary = "List the session's accounts with their addresses and balances";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --json | jq -r '.accounts[0].address'",
  ];

  async run(): Promise<AccountsAnswer> {
    const { flags } = await this.parse(Accounts);
    const answer = await (await this.connect(flags)).get<AccountsAnswer>("/v1/accounts");
    this.log(renderTable(accountColumns, answer.accounts, { width: terminalWidth() }));
    if (answer.developmentMnemonic)
      this.logToStderr("These keys come from the well-known development mnemonic: anybody can spend with them.");
    return answer;
  }
}
