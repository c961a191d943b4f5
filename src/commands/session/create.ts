import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SessionCreate extends BaseCommand {
  static override summary = "Make a session: a registry, a mnemonic and a place for nodes";
  static override description =
    "Without --mnemonic the session uses the well-known development mnemonic, whose coins anybody can spend.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> alpha",
    "<%= config.bin %> <%= command.id %> alpha --mnemonic random --use",
  ];
  static override args = {
    name: Args.string({ description: "name of the session [default: the one in use]" }),
  };
  static override flags = {
    mnemonic: Flags.string({ description: 'twelve or more BIP39 words, or "random"' }),
    use: Flags.boolean({ description: "let commands without --session mean this one" }),
  };

  async run(): Promise<{ session: string; folder: string }> {
    const { args, flags } = await this.parse(SessionCreate);
    const { createSession } = await import("../../core/index.ts");
    const place = this.place(flags);
    const session = await createSession(
      { ...place, session: args.name ?? place.session },
      { mnemonic: flags.mnemonic, use: flags.use },
    );
    this.log(session.folder);
    return { session: session.name, folder: session.folder };
  }
}
