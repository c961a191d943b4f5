import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SessionExec extends BaseCommand {
  static override summary = "Run a program with the session's places in its environment, and end with its status";
  static override examples = ["<%= config.bin %> <%= command.id %> -- sh -c 'curl -s \"$CHAINCORE_API/status\"'"];
  static override enableJsonFlag = false;
  static override strict = false;
  static override args = {
    program: Args.string({ required: true, description: "what to run, after --" }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(SessionExec);
    const { sessionVariables } = await import("../../core/client/index.ts");
    const { runProgram } = await import("../../ui/run-program.ts");
    process.exitCode = await runProgram(argv as string[], await sessionVariables(this.place(flags)));
  }
}
