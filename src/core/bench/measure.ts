/** CPU seconds that this process has used so far, all its threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU nanoseconds that the calling thread has used so far. */
export function threadCpuNs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1000;
}

/**
 * Nanoseconds of the calling thread's CPU for one call of `operation`, one figure a run. Each run repeats it `times` times;
 * one run before the first is not counted.
 */
export function nsPerCall(operation: () => void, times: number, runs = 7): number[] {
  const samples: number[] = [];
  for (let run = -1; run < runs; run++) {
    const start = threadCpuNs();
    for (let i = 0; i < times; i++) operation();
    if (run >= 0) samples.push((threadCpuNs() - start) / times);
  }
  return samples;
}

/** The same for an operation that is awaited, one call after the other. */
export async function nsPerAwait(operation: () => Promise<unknown>, times: number, runs = 7): Promise<number[]> {
  const samples: number[] = [];
  for (let run = -1; run < runs; run++) {
    const start = threadCpuNs();
    for (let i = 0; i < times; i++) await operation();
    if (run >= 0) samples.push((threadCpuNs() - start) / times);
  }
  return samples;
}

/**
 * Watches the calling thread's event loop until it is called: the CPU milliseconds of each stretch between two timers a
 * millisecond apart. What the loop's turns cost, however long the machine lets them wait.
 */
export function watchTurns(): () => number[] {
  const samples: number[] = [];
  let before = threadCpuNs();
  const timer = setInterval(() => {
    const now = threadCpuNs();
    samples.push((now - before) / 1e6);
    before = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return samples;
  };
}

/** Wall milliseconds of each of `runs` calls, after one that is not counted. */
export async function wallMs(operation: (run: number) => Promise<unknown> | unknown, runs = 7): Promise<number[]> {
  const samples: number[] = [];
  for (let run = -1; run < runs; run++) {
    const start = performance.now();
    await operation(run);
    if (run >= 0) samples.push(performance.now() - start);
  }
  return samples;
}
