import { spawn } from "node:child_process";
import { globSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;

/** What was built, where it is not older than the sources: it starts five times faster. Else src as it stands. */
export function fastestEntry(): string {
  const built = statSync(join(root, "oclif.manifest.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0; // Written last.
  const newest = Math.max(...globSync(join(root, "src/**/*.ts")).map((path) => statSync(path).mtimeMs));
  return built > newest ? "bin/run.js" : "bin/dev.js";
}

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A user of the command line with a home of their own; nothing of the runner's environment but PATH reaches them. */
export class CliUser implements Disposable {
  readonly #entry: string;
  readonly folder = mkdtempSync(join(tmpdir(), "chaincore-cli-"));
  readonly env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: this.folder,
    CHAINCORE_HOME: join(this.folder, "home"),
    XDG_CONFIG_HOME: join(this.folder, "config"),
    NODE_COMPILE_CACHE: join(tmpdir(), "chaincore-test-compile-cache"),
    NO_COLOR: "1",
    CHAINCORE_P2P_PORT: "0",
  };

  /** `entry`: bin/dev.js (src as it stands) or bin/run.js (what was built). */
  constructor(entry = "bin/dev.js") {
    this.#entry = join(root, entry);
  }

  start(args: readonly string[]) {
    const child = spawn(process.execPath, [this.#entry, ...args], {
      env: this.env,
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    const ended = new Promise<CliResult>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal, out, err }));
    });
    return { child, ended };
  }

  async run(...args: readonly string[]): Promise<CliResult> {
    return await this.start(args).ended;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
