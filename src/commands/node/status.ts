import { BaseCommand } from "../../base.ts";
import type { NodeStatus } from "../../core/client/index.ts";
import { nodeStatusFields } from "../../ui/answers.ts";
import { renderFields } from "../../ui/table.ts";

export default class NodeStatusCommand extends BaseCommand {
  static override summary = "Ask the running node how it is";
  static override examples = ["<%= config.bin %> <%= command.id %>", "<%= config.bin %> <%= command.id %> --json --node core1"];

  async run(): Promise<NodeStatus> {
    const { flags } = await this.parse(NodeStatusCommand);
    const status = await (await this.connect(flags)).get<NodeStatus>("/v1/status");
    this.log(renderFields(nodeStatusFields(status)));
    return status;
  }
}
