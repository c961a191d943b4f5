import { BaseCommand } from "../../base.ts";

export default class LocksGraph extends BaseCommand {
  static override summary = "Show who holds and who waits for which lock at this moment";
  static override examples = ["<%= config.bin %> <%= command.id %>"];

  async run(): Promise<Readonly<Record<string, unknown>>> {
    const { flags } = await this.parse(LocksGraph);
    const graph = await (await this.connect(flags)).get<Readonly<Record<string, unknown>>>("/v1/locks/graph");
    this.log(JSON.stringify(graph, null, 2));
    return graph;
  }
}
