import { BaseCommand } from "../../base.ts";
import type { SessionReport } from "../../core/client/index.ts";
import { nodeColumns } from "../../ui/sessions.ts";
import { renderTable, terminalWidth } from "../../ui/table.ts";
import { countOf } from "../../ui/units.ts";

export default class SessionStatus extends BaseCommand {
  static override summary = "Show the session's nodes: process, height, tip, peers, pool, hash rate, memory";
  static override aliases = ["session:status"];
  static override examples = ["<%= config.bin %> session", "<%= config.bin %> session status -s alpha --json"];

  async run(): Promise<SessionReport> {
    const { flags } = await this.parse(SessionStatus);
    const { askSession } = await import("../../core/client/index.ts");
    const report = await askSession(this.place(flags));
    this.logToStderr(
      `session ${report.session} (${report.network}), ${countOf(report.nodes.filter((node) => node.running).length, "node")} running`,
    );
    if (report.nodes.length > 0) this.log(renderTable(nodeColumns, report.nodes, { width: terminalWidth() }));
    return report;
  }
}
