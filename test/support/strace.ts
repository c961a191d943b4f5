import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** One call to the system, of any thread. `from` and `to`: its place in the order of all beginnings and ends. */
export interface SystemCall {
  readonly name: string;
  /** Last part of the path of the file that it works on; of the new name for a rename. */
  readonly file: string;
  /** What was written, as strace shows it. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** A watchdog: a traced run takes a second or two. */
const RUN_MS_MAX = 120_000;
const CALLS = "openat,close,write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2";

/** Whether this machine has strace and lets it trace. */
export function canTrace(): boolean {
  return process.platform === "linux" && spawnSync("strace", ["-f", "-o", "/dev/null", "true"]).status === 0;
}

/** Runs a command under strace; its writes, syncs and renames in the order in which the system saw them. */
export function trace(command: readonly string[]): readonly SystemCall[] {
  const folder = mkdtempSync(join(tmpdir(), "chaincore-strace-"));
  const log = join(folder, "calls");
  try {
    const run = spawnSync("strace", ["-f", "-s", "64", "-e", `trace=${CALLS}`, "-o", log, ...command], {
      encoding: "utf8",
      timeout: RUN_MS_MAX,
    });
    if (run.status !== 0) throw new Error(`the traced command ended with ${run.status}: ${run.stderr}`);
    return readCalls(readFileSync(log, "latin1").split("\n"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lines of `strace -f`; a call that another thread's interrupts stands on two of them. */
function readCalls(lines: readonly string[]): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const pending = new Map<string, { readonly text: string; readonly from: number }>();
  const paths = new Map<string, string>();
  const finish = (text: string, from: number, to: number): void => {
    const match = /^(\w+)\((.*)\)\s+= (-?\d+)/s.exec(text);
    if (match === null) return;
    const [, name, args, result] = match as unknown as [string, string, string, string];
    const quoted = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((found) => found[1]!);
    if (name === "openat") {
      if (!result.startsWith("-")) paths.set(result, basename(quoted[0]!));
      return;
    }
    const descriptor = /^\d+/.exec(args)?.[0] ?? "";
    if (name === "close") return; // A number that is used again is opened again.
    const file = name.startsWith("rename")
      ? basename(quoted.at(-1)!)
      : descriptor === "1"
        ? "stdout"
        : (paths.get(descriptor) ?? "");
    calls.push({ name, file, text: quoted[0] ?? "", from, to });
  };
  for (const [number, line] of lines.entries()) {
    const [, pid, rest] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    if (pid === undefined || rest === undefined) continue;
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest);
    if (resumed !== null) {
      const begun = pending.get(pid);
      pending.delete(pid);
      if (begun !== undefined) finish(begun.text + resumed[1]!, begun.from, number);
    } else if (rest.endsWith("<unfinished ...>")) {
      pending.set(pid, { text: rest.slice(0, -"<unfinished ...>".length).trimEnd(), from: number });
    } else {
      finish(rest, number, number);
    }
  }
  return calls;
}
