const DECIMAL = ["", "k", "M", "G", "T", "P"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `12.3 MH/s` */
export function formatHashRate(perSecond: number): string {
  const [value, prefix] = scaled(perSecond, 1_000, DECIMAL);
  return `${value} ${prefix}H/s`;
}

/** `12.3 MiB` */
export function formatBytes(bytes: number): string {
  const [value, unit] = scaled(bytes, 1_024, BINARY);
  return `${value} ${unit}`;
}

/** `310 us`, `4.2 ms`, `3.1 s`, `4 min 2 s`, `3 h 7 min`, `2 d 4 h` */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1_000)} us`;
  if (ms < 1_000) return `${threeDigits(ms)} ms`;
  if (ms < 60_000) return `${threeDigits(ms / 1_000)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor(minutes / 60) % 24} h`;
}

/** `2026-01-31 12:00:00Z` */
export function formatTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString().replace("T", " ").replace(".000", "");
}

/** The ends of a long hash: `0f9188f1…e2206`. */
export function shortHash(hash: string): string {
  return hash.length <= 16 ? hash : `${hash.slice(0, 8)}…${hash.slice(-6)}`;
}

function scaled(value: number, step: number, units: readonly string[]): [string, string] {
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  return [unit === 0 ? String(Math.round(value)) : threeDigits(value), units[unit]!];
}

function threeDigits(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
}

/** `1 node`, `3 nodes`. */
export function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
