import { readFileSync } from "node:fs";

/**
 * When a process started, in the words of the system; null where it cannot be told. Together with the pid it names one
 * process for good, for pids are used again. On Linux: the boot, and clock ticks since then (proc(5), stat field 22).
 */
export function processStartTime(pid: number): string | null {
  return look(pid)?.started ?? null;
}

/** True while the process that had this pid and start time runs. A zombie counts as ended. */
export function isSameProcess(pid: number, started: string | null): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (started !== null) {
    const found = look(pid); // One look: in between two the process may be reaped.
    return found !== undefined && found.started === started && !/[ZXx]/.test(found.state);
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** True while a process is stopped by a signal or a debugger; false where the system does not tell. */
export function isSuspended(pid: number): boolean {
  return /[Tt]/.test(look(pid)?.state ?? "");
}

/** Start and state (proc(5), stat field 3). Undefined where the system does not tell or there is no such process. */
function look(pid: number): { readonly started: string; readonly state: string } | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { started: `${bootId()}-${fields[19]}`, state: fields[0]! };
  } catch {
    return undefined;
  }
}

let boot: string | undefined;

function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim().slice(0, 8);
  return boot;
}
