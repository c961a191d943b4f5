import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { LockGraphAnswer } from "../../core/client/index.ts";
import { graphDot, graphMermaid, graphText } from "../../ui/lock-graph.ts";

export default class LocksGraph extends BaseCommand {
  static override summary = "Show who holds and who waits for which lock at this moment";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --dot | dot -Tsvg > locks.svg",
    "<%= config.bin %> <%= command.id %> --mermaid",
  ];
  static override flags = {
    dot: Flags.boolean({ description: "as a Graphviz digraph", exclusive: ["mermaid"] }),
    mermaid: Flags.boolean({ description: "as a Mermaid flowchart", exclusive: ["dot"] }),
  };

  async run(): Promise<LockGraphAnswer> {
    const { flags } = await this.parse(LocksGraph);
    const graph = await (await this.connect(flags)).get<LockGraphAnswer>("/v1/locks/graph");
    const render = flags.dot ? graphDot : flags.mermaid ? graphMermaid : graphText;
    this.log(render(graph));
    return graph;
  }
}
