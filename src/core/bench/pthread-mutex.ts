import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Another thread sleeps meanwhile: alone in its process, a mutex of glibc does without atomic steps. */
const SOURCE = `
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static void *sleeper(void *unused) { for (;;) pause(); return unused; }
static double cpu(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(void) {
  pthread_t other;
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  if (pthread_create(&other, 0, sleeper, 0)) return 1;
  double start = cpu();
  for (int i = 0; i < 5000000; i++) { pthread_mutex_lock(&mutex); pthread_mutex_unlock(&mutex); }
  printf("%f", (cpu() - start) / 5000000);
  return 0;
}
`;

/**
 * Compiles a C program and hands `use` what runs it: CPU nanoseconds of locking and unlocking a free mutex. Undefined where there is no
 * C compiler.
 */
export async function withPthreadMutex<R>(use: (nsPerPair: (() => Promise<number>) | undefined) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), "pthread-"));
  try {
    const [source, program] = [join(folder, "mutex.c"), join(folder, "mutex")];
    await writeFile(source, SOURCE);
    const compiled = run("cc", ["-O2", "-pthread", "-o", program, source]);
    const isThere = await compiled.then(() => true).catch(() => false);
    return await use(isThere ? async () => Number((await run(program, { timeout: 60_000 })).stdout) : undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
