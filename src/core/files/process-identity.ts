import { readFileSync } from "node:fs";

/**
 * When a process started, in the words of the system; null where it cannot be told. Together with the pid it names one
 * process for good, for pids are used again. On Linux: the boot, and clock ticks since then (proc(5), stat field 22).
 */
export function processStartTime(pid: number): string | null {
  if (process.platform !== "linux") return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim().slice(0, 8)}-${ticks}`;
  } catch {
    return null;
  }
}

/** True while the process that had this pid and start time runs. A zombie counts as ended. */
export function isSameProcess(pid: number, started: string | null): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  if (started === null) return true;
  return processStartTime(pid) === started && !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.at(stat.lastIndexOf(")") + 2) === "Z";
  } catch {
    return false;
  }
}
