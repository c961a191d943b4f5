import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import { type LockGraphAnswer, type SessionLocksAnswer, sessionLocks } from "../../core/client/index.ts";
import { graphDot, graphMermaid, graphText } from "../../ui/lock-graph.ts";
import { sessionLocksText } from "../../ui/session-locks.ts";

export default class LocksGraph extends BaseCommand {
  static override summary = "Show who holds and who waits for which lock at this moment";
  static override description =
    "Of the running node; or with --files (or --session without a name) the file locks between all processes of the session, nodes and commands, and every deadlock among them.";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --dot | dot -Tsvg > locks.svg",
    "<%= config.bin %> <%= command.id %> --mermaid",
    "<%= config.bin %> <%= command.id %> --session",
    "<%= config.bin %> <%= command.id %> --files -s alpha --json",
  ];
  static override flags = {
    files: Flags.boolean({ description: "file locks between the session's processes; asks no node" }),
    dot: Flags.boolean({ description: "as a Graphviz digraph", exclusive: ["mermaid"] }),
    mermaid: Flags.boolean({ description: "as a Mermaid flowchart", exclusive: ["dot"] }),
  };

  async run(): Promise<LockGraphAnswer | SessionLocksAnswer> {
    const { flags } = await this.parse(LocksGraph, bareSessionIsFiles(this.argv));
    if (flags.files) {
      const answer = await sessionLocks(this.place(flags));
      this.log(flags.dot ? graphDot(answer) : flags.mermaid ? graphMermaid(answer) : sessionLocksText(answer));
      return answer;
    }
    const graph = await (await this.connect(flags)).get<LockGraphAnswer>("/v1/locks/graph");
    this.log((flags.dot ? graphDot : flags.mermaid ? graphMermaid : graphText)(graph));
    return graph;
  }
}

/** `--session` takes a name everywhere; here, without one, it says that the session's own locks are meant. */
function bareSessionIsFiles(argv: readonly string[]): string[] {
  return argv.map((word, n) => (word === "--session" && (argv[n + 1] ?? "-").startsWith("-") ? "--files" : word));
}
