import { BaseCommand } from "../../base.ts";

export default class SessionEnv extends BaseCommand {
  static override summary = "Print the running node's places as export lines for eval";
  static override examples = ['eval "$(<%= config.bin %> <%= command.id %>)"; curl "$CHAINCORE_API/status"'];

  async run(): Promise<Readonly<Record<string, string>>> {
    const { flags } = await this.parse(SessionEnv);
    const { sessionVariables } = await import("../../core/client/index.ts");
    const variables = await sessionVariables(this.place(flags));
    for (const [name, value] of Object.entries(variables)) this.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
    return variables;
  }
}
