import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { SendAnswer, SendRequest } from "../../core/client/index.ts";
import { formatAmount, parseAmount } from "../../ui/amounts.ts";

export default class TxSend extends BaseCommand {
  static override summary = "Send coins from an account of the session";
  static override description = "The amount is in coins with up to 8 decimals (1.5) or in satoshis with a suffix (150000000sat).";
  static override examples = [
    "<%= config.bin %> <%= command.id %> bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 1.5",
    "<%= config.bin %> <%= command.id %> bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 2500sat --from 1",
  ];
  static override args = {
    address: Args.string({ required: true, description: "who receives" }),
    amount: Args.string({ required: true, description: "how much" }),
  };
  static override flags = {
    from: Flags.integer({ description: "number of the account that pays", helpValue: "ACCOUNT", min: 0 }),
  };

  async run(): Promise<SendAnswer> {
    const { args, flags } = await this.parse(TxSend);
    const amountSats = parseAmount(args.amount);
    const request: SendRequest = { to: args.address, amountSats, ...(flags.from === undefined ? {} : { from: flags.from }) };
    const answer = await (await this.connect(flags)).post<SendAnswer>("/v1/send", request);
    this.log(answer.txid);
    this.logToStderr(
      `sent ${formatAmount(amountSats)}, fee ${formatAmount(answer.feeSats)} for ${answer.vsize} vB; it waits for a block`,
    );
    return answer;
  }
}
