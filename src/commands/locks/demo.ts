import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import type { LockDemoAnswer, LockSituation } from "../../core/client/index.ts";
import { renderLockDemo } from "../../ui/lock-demo.ts";

const SITUATIONS = ["deadlock", "inversion", "starvation"] as const satisfies readonly LockSituation[];

export default class LocksDemo extends BaseCommand {
  static override summary = "Play a deadlock, a wrong order or a stream of readers in the running node, and show what it does";
  static override description =
    "The situation is played in the node's own lock space, on locks that exist for this only (demo-a, demo-b, ...). The node's work is not touched; a deadlock counts among those that it prevented, and is told on /v1/events.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> deadlock",
    "<%= config.bin %> <%= command.id %> starvation --json",
  ];
  static override args = {
    situation: Args.string({ description: "what to play", required: true, options: [...SITUATIONS] }),
  };

  async run(): Promise<LockDemoAnswer> {
    const { args, flags } = await this.parse(LocksDemo);
    const client = await this.connect(flags);
    const answer = await client.post<LockDemoAnswer>("/v1/locks/demo", { situation: args.situation });
    this.log(renderLockDemo(answer));
    return answer;
  }
}
