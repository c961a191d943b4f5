import { BaseCommand } from "../../base.ts";
import type { StoppedNode } from "../../core/sessions/launcher.ts";

export default class SessionDown extends BaseCommand {
  static override summary = "Stop all nodes of the session: cleanly, and by force those that do not end in time";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> -s test"];

  async run(): Promise<{ stopped: readonly StoppedNode[] }> {
    const { flags } = await this.parse(SessionDown);
    const { downSession } = await import("../../core/index.ts");
    const stopped = await downSession(this.place(flags));
    for (const { node, forced } of stopped) this.log(`${node} ${forced ? "did not end in time and was killed" : "has stopped"}`);
    return { stopped };
  }
}
