import { spawn } from "node:child_process";
import { constants } from "node:os";
import { ChainCoreError } from "../core/client/index.ts";

/** Runs a program on this terminal with more variables, and gives its exit status as a shell would. */
export async function runProgram(words: readonly string[], variables: Readonly<Record<string, string>>): Promise<number> {
  const [program = "", ...rest] = words;
  const child = spawn(program, rest, { stdio: "inherit", env: { ...process.env, ...variables } });
  const ignore = (): void => {}; // Ctrl-C reaches the program too; it decides.
  process.on("SIGINT", ignore);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", (error) =>
        reject(new ChainCoreError("usage", `cannot run ${program}: ${error.message}`, { cause: error })),
      );
      child.once("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}
