import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { NodeStatus } from "../../core/client/index.ts";
import { untilInterrupted } from "../../ui/interrupt.ts";
import { runTask } from "../../ui/tasks.ts";
import { countOf } from "../../ui/units.ts";

export default class SessionUp extends BaseCommand {
  static override summary = "Let nodes of the session run as processes of their own, and wait until all answer with the same tip";
  static override examples = [
    "<%= config.bin %> <%= command.id %> --nodes 3",
    "<%= config.bin %> <%= command.id %> --nodes 5 --miners 1 --api-port 0 -s test",
  ];
  static override flags = {
    nodes: Flags.integer({ description: "how many [default: as many as the session was created for, else 1]", min: 1 }),
    miners: Flags.integer({
      description: "processes that mine, one thread each, each for one of the nodes",
      default: 0,
      min: 0,
      max: 64,
    }),
    "api-port": Flags.integer({ description: "0 takes any free ports [default: from 5000 and 8000 on]", min: 0, max: 0 }),
  };

  async run(): Promise<{ nodes: readonly NodeStatus[] }> {
    const { flags } = await this.parse(SessionUp);
    const { openSession, sessionUp } = await import("../../core/index.ts");
    const session = await openSession(this.place(flags));
    let nodes: readonly NodeStatus[] = [];
    const start = async (signal: AbortSignal, tell: (line: string) => void): Promise<void> => {
      const program = [process.execPath, process.argv[1]!];
      const onNode = (status: NodeStatus) => tell(`${status.node} answers at ${status.urls.api}`);
      const { nodes: count, miners, "api-port": apiPort } = flags;
      nodes = await sessionUp(session, { nodes: count, miners, apiPort, program, signal, onNode });
    };
    const title = `Start nodes of session ${session.name} and wait until their tips agree`;
    await untilInterrupted((signal) => runTask(title, (tell) => start(signal, tell), { quiet: this.jsonEnabled() }));
    const mining = flags.miners > 0 ? `, ${flags.miners} mining` : "";
    this.log(`session ${session.name}: ${countOf(nodes.length, "node")} at height ${nodes[0]?.height}${mining}`);
    return { nodes };
  }
}
