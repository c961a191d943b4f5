import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../base.ts";
import type { BenchReport } from "../core/bench/report.ts";
import { benchColumns, compareSuites } from "../ui/bench.ts";
import { renderTable, terminalWidth } from "../ui/table.ts";

export default class Bench extends BaseCommand {
  static override summary = "Measure this machine, with the goals and the references that can run here";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> locks mining --json > before.json",
    "<%= config.bin %> <%= command.id %> locks --compare before.json",
  ];
  static override strict = false;
  static override args = {
    suite: Args.string({ description: "suites to run, all by default" }),
  };
  static override flags = {
    compare: Flags.file({ description: "report of an earlier run to hold this one against", helpValue: "FILE", exists: true }),
  };

  async run(): Promise<BenchReport> {
    const { argv, flags } = await this.parse(Bench);
    const { runBench } = await import("../core/index.ts");
    const before = flags.compare === undefined ? undefined : await compareSuites(flags.compare);
    return await runBench(argv as string[], (suite) => {
      this.log(`\n${suite.name}`);
      this.log(renderTable(benchColumns(before?.get(suite.name)), suite.rows, { width: terminalWidth() }));
      for (const note of suite.notes) this.log(note);
    });
  }
}
