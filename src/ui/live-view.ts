import { cursorTo, moveCursor } from "node:readline";

/** Some lines at the bottom of a terminal that are drawn again in place; on anything else it draws nothing. */
export class LiveView implements Disposable {
  readonly #out: NodeJS.WriteStream;
  #lines = 0;

  /** stderr by default: stdout is for what is asked for. */
  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
    if (out.isTTY) out.write("\x1b[?25l");
  }

  get isLive(): boolean {
    return this.#out.isTTY;
  }

  /** Replaces what was drawn before. Lines are cut at the terminal's width, for a wrapped one could not be taken back. */
  draw(lines: readonly string[]): void {
    if (!this.#out.isTTY) return;
    this.clear();
    const width = this.#out.columns || 80; // Some pseudo-terminals have no size.
    this.#out.write(lines.map((line) => `${line.slice(0, width - 1)}\n`).join(""));
    this.#lines = lines.length;
  }

  /** Takes the drawn lines away, so that something lasting can be printed above. */
  clear(): void {
    if (this.#lines === 0) return;
    moveCursor(this.#out, 0, -this.#lines);
    cursorTo(this.#out, 0);
    this.#out.write("\x1b[J");
    this.#lines = 0;
  }

  /** Leaves the last drawing where it is. */
  [Symbol.dispose](): void {
    if (this.#out.isTTY) this.#out.write("\x1b[?25h");
  }
}
