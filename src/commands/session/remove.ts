import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import { confirm } from "../../ui/confirm.ts";

export default class SessionRemove extends BaseCommand {
  static override summary = "Delete a session with its chains and its mnemonic; none of its nodes may run";
  static override examples = ["<%= config.bin %> <%= command.id %> alpha", "<%= config.bin %> <%= command.id %> alpha --yes"];
  static override args = {
    name: Args.string({ required: true, description: "name of the session" }),
  };
  static override flags = {
    yes: Flags.boolean({ char: "y", description: "do not ask" }),
  };

  async run(): Promise<{ removed: string }> {
    const { args, flags } = await this.parse(SessionRemove);
    const { removeSession } = await import("../../core/index.ts");
    if (!flags.yes) await confirm(`Delete session ${args.name} with all its chains and keys?`);
    await removeSession(this.place(flags).home, args.name);
    this.log(`session ${args.name} is gone`);
    return { removed: args.name };
  }
}
