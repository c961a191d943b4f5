import type { ListrTask } from "listr2";

/** Runs steps and shows them on stderr: live on a terminal, a line each elsewhere, not at all when `quiet`. */
export async function runTasks<Context extends object>(
  tasks: ListrTask<Context>[],
  context: Context,
  options: { quiet: boolean },
): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const renderer = options.quiet ? "silent" : process.stderr.isTTY ? "default" : "simple";
  await new Listr<Context, "default" | "simple" | "silent">(tasks, {
    renderer,
    fallbackRenderer: "simple",
    registerSignalListeners: false,
    rendererOptions: { logger } as never,
    fallbackRendererOptions: { logger } as never,
  }).run(context);
}
