import type { Log } from "../../src/core/ports.ts";

/** A log that keeps its warnings and errors for the test to look at. */
export class QuietLog implements Log {
  readonly lines: { readonly level: "warn" | "error"; readonly fields: object; readonly message: string }[] = [];

  debug(): void {}

  info(): void {}

  warn(fields: object, message: string): void {
    this.lines.push({ level: "warn", fields, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: "error", fields, message });
  }
}
