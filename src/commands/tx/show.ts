import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { TransactionAnswer } from "../../core/client/index.ts";
import { outputColumns, transactionFields } from "../../ui/answers.ts";
import { renderFields, renderTable, terminalWidth } from "../../ui/table.ts";

export default class TxShow extends BaseCommand {
  static override summary = "Show a transaction of the chain or the pool";
  static override examples = [
    "<%= config.bin %> <%= command.id %> 4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
  ];
  static override args = {
    txid: Args.string({ required: true, description: "transaction id" }),
  };

  async run(): Promise<TransactionAnswer> {
    const { args, flags } = await this.parse(TxShow);
    const tx = await (await this.connect(flags)).get<TransactionAnswer>(`/v1/transactions/${encodeURIComponent(args.txid)}`);
    this.log(renderFields(transactionFields(tx)));
    this.log(renderTable(outputColumns, tx.outputs, { width: terminalWidth() }));
    return tx;
  }
}
