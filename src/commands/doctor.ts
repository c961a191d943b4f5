import { BaseCommand } from "../base.ts";

export default class Doctor extends BaseCommand {
  static override summary = "Look for what would keep a node from working, with the remedy of each finding";
  static override examples = ["<%= config.bin %> <%= command.id %>"];

  async run(): Promise<{ node: string }> {
    await this.parse(Doctor);
    this.log(`node ${process.version}`);
    return { node: process.version };
  }
}
