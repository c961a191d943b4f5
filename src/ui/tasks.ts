/**
 * Runs one step and shows it on stderr, with the lines that it tells: live on a terminal, as plain lines elsewhere, not at
 * all when `quiet`.
 */
export async function runTask(
  title: string,
  run: (tell: (line: string) => void) => Promise<void>,
  options: { readonly quiet: boolean },
): Promise<void> {
  if (options.quiet) return await run(() => {});
  const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const task = {
    title,
    task: (_context: object, shown: { output: string }) =>
      run((line) => {
        shown.output = line;
      }),
    rendererOptions: { persistentOutput: true, outputBar: Number.POSITIVE_INFINITY },
  };
  await new Listr<object, "default" | "simple">([task as never], {
    renderer: process.stderr.isTTY ? "default" : "simple",
    fallbackRenderer: "simple",
    registerSignalListeners: false,
    rendererOptions: { logger } as never,
    fallbackRendererOptions: { logger } as never,
  }).run();
}
