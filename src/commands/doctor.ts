import { BaseCommand } from "../base.ts";
import type { Finding } from "../core/sessions/finding.ts";

const MARKS = { ok: "ok     ", warning: "warning", error: "ERROR  " } as const;

export default class Doctor extends BaseCommand {
  static override summary = "Look for what would keep nodes from working, with the remedy of each finding";
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --json | jq '.findings[] | select(.state != \"ok\")'",
  ];

  async run(): Promise<{ findings: readonly Finding[] }> {
    const { flags } = await this.parse(Doctor);
    const { examine } = await import("../core/index.ts");
    const findings = await examine(this.place(flags));
    const width = Math.max(...findings.map((finding) => finding.subject.length));
    for (const finding of findings) {
      this.log(`${MARKS[finding.state]}  ${finding.subject.padEnd(width)}  ${finding.text}`);
      if (finding.state !== "ok") this.log(`${" ".repeat(width + 11)}-> ${finding.remedy}`);
    }
    if (findings.some((finding) => finding.state === "error")) process.exitCode = 1;
    return { findings };
  }
}
