import { flush, run, settings } from "@oclif/core";
import { exitStatusOf, sentenceOf } from "./failure.ts";

settings.enableAutoTranspile = false; // Node strips the types itself; oclif's own transpiler cannot work with this compiler.

/**
 * Runs one command line to its end and sets the exit status. Errors become one sentence on stderr, never a stack
 * (CHAINCORE_DEBUG=1 shows it).
 */
export async function main(start: { root: string; manifest: object; ignoreManifest?: boolean }): Promise<void> {
  const fail = (error: unknown): never => {
    const sentence = sentenceOf(error, process.env["CHAINCORE_DEBUG"] !== undefined);
    if (sentence !== "") process.stderr.write(`chaincore: ${sentence}\n`);
    process.exit(exitStatusOf(error));
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  // A reader that goes away (`| head`) is no error; oclif's own handling would leave its flush waiting for ever.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      fail(error);
    });
  }
  const { root, manifest, ignoreManifest = false } = start;
  try {
    await run(process.argv.slice(2), { root, pjson: manifest as never, ignoreManifest });
    await flush();
  } catch (error) {
    fail(error);
  }
}
