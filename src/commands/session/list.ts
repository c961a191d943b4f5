import { BaseCommand } from "../../base.ts";
import { type SessionSummary, sessionColumns } from "../../ui/sessions.ts";
import { renderTable, terminalWidth } from "../../ui/table.ts";

export default class SessionList extends BaseCommand {
  static override summary = "List the sessions";
  static override examples = ["<%= config.bin %> <%= command.id %>"];

  async run(): Promise<{ sessions: readonly SessionSummary[] }> {
    const { flags } = await this.parse(SessionList);
    const { summariseSessions } = await import("../../ui/sessions.ts");
    const sessions = await summariseSessions(this.place(flags));
    if (sessions.length > 0) this.log(renderTable(sessionColumns, sessions, { width: terminalWidth() }));
    else this.logToStderr('There is no session yet; "chaincore node" makes one.');
    return { sessions };
  }
}
