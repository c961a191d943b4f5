import { createInterface } from "node:readline/promises";
import { ChainCoreError } from "../core/client/index.ts";

/** Asks on the terminal. @throws ChainCoreError usage where there is none, failure when the answer is not yes */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new ChainCoreError("usage", "there is no terminal to ask on; add --yes to go ahead");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new ChainCoreError("not-confirmed", "nothing was done");
  } finally {
    terminal.close();
  }
}
