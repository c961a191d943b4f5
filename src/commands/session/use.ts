import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SessionUse extends BaseCommand {
  static override summary = "Let commands without --session mean this session";
  static override examples = ["<%= config.bin %> <%= command.id %> alpha"];
  static override args = {
    name: Args.string({ required: true, description: "name of a session that stands" }),
  };

  async run(): Promise<{ session: string }> {
    const { args, flags } = await this.parse(SessionUse);
    const { useSession } = await import("../../core/index.ts");
    await useSession(this.place(flags).home, args.name);
    this.log(`commands without --session mean session ${args.name} from now on`);
    return { session: args.name };
  }
}
