import { Command, Flags } from "@oclif/core";
import { exitStatusOf, failureJson } from "./failure.ts";

/** What every command has: `--json`, the session and node it acts on, and errors as one sentence. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    session: Flags.string({ char: "s", description: "session to act on", env: "CHAINCORE_SESSION", helpGroup: "GLOBAL" }),
    node: Flags.string({ description: "node of the session to act on", env: "CHAINCORE_NODE", helpGroup: "GLOBAL" }),
    home: Flags.string({ description: "folder that holds all sessions", env: "CHAINCORE_HOME", helpGroup: "GLOBAL" }),
  };

  override async catch(error: Error): Promise<void> {
    if (this.jsonEnabled()) {
      this.logJson(failureJson(error));
      this.exit(exitStatusOf(error));
    }
    throw error;
  }

  /** One line per answer, so that `--json` output can be cut, piped and read line by line. */
  override logJson(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}
