import { BaseCommand } from "../../base.ts";

export default class NodeStop extends BaseCommand {
  static override summary = "Stop the running node cleanly, and wait until it has ended";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> --node core1"];

  async run(): Promise<{ stopped: string }> {
    const { flags } = await this.parse(NodeStop);
    const { stopNode } = await import("../../core/client/index.ts");
    const stopped = await stopNode(this.place(flags));
    this.log(`${stopped} has stopped`);
    return { stopped };
  }
}
