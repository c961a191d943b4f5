/** A JSON log line as a person reads it; anything else stays as it is. */
export function formatLogLine(line: string): string {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, area, thread, msg, pid: _pid, ...fields } = value;
  const clock = new Date(time as number | string).toISOString().slice(11, 23);
  const rest = Object.entries(fields).map(
    ([name, field]) => `${name}=${typeof field === "string" ? field : JSON.stringify(field)}`,
  );
  return [clock, levelName(level), `[${String(thread)}]`, `${String(area)}:`, String(msg), ...rest].join(" ");
}

/** pino's numbers, or words where the log writes words. */
function levelName(level: unknown): string {
  const names: Readonly<Record<string, string>> = { 10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL" };
  return (names[String(level)] ?? String(level)).toUpperCase().padEnd(5);
}
