import { BaseCommand } from "../../base.ts";
import { removeUnfinished } from "../../core/client/index.ts";
import { type SessionSummary, sessionColumns } from "../../ui/sessions.ts";
import { renderTable, terminalWidth } from "../../ui/table.ts";

export default class SessionList extends BaseCommand {
  static override summary = "List the sessions";
  static override examples = ["<%= config.bin %> <%= command.id %>"];

  async run(): Promise<{ sessions: readonly SessionSummary[] }> {
    const { flags } = await this.parse(SessionList);
    const { summariseSessions } = await import("../../ui/sessions.ts");
    for (const { path } of await removeUnfinished(this.place(flags).home))
      this.logToStderr(`removed ${path}, left by a killed command`);
    const sessions = await summariseSessions(this.place(flags));
    if (sessions.length > 0) this.log(renderTable(sessionColumns, sessions, { width: terminalWidth() }));
    else this.logToStderr('There is no session yet; "chaincore node" makes one.');
    return { sessions };
  }
}
