import { Command, Flags } from "@oclif/core";
import { readDefaults } from "./config-file.ts";
import { type AdminClient, ChainCoreError, chaincoreHome, connectToNode, type Place } from "./core/client/index.ts";
import { exitStatusOf, failureJson } from "./failure.ts";

interface FlagDefinition {
  readonly name?: string;
  readonly type: "boolean" | "option";
  readonly options?: readonly string[];
  readonly multiple?: boolean;
  default?: unknown;
  parse(input: unknown, context: unknown, options: unknown): Promise<unknown>;
}

/** What every command has: `--json`, the session and node it acts on, a user's own defaults, errors as one sentence. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    session: Flags.string({ char: "s", description: "session to act on", env: "CHAINCORE_SESSION", helpGroup: "GLOBAL" }),
    node: Flags.string({ description: "node of the session to act on", env: "CHAINCORE_NODE", helpGroup: "GLOBAL" }),
    home: Flags.string({ description: "folder that holds all sessions", env: "CHAINCORE_HOME", helpGroup: "GLOBAL" }),
  };

  /** Precedence: flag, CHAINCORE_* variable, config file, default. */
  protected override parse: Command["parse"] = async (options, argv) => {
    const definition = options ?? this.ctor;
    const flags = { ...definition.flags } as Record<string, FlagDefinition>;
    const baseFlags = { ...definition.baseFlags } as Record<string, FlagDefinition>;
    for (const [name, value] of Object.entries(readDefaults(process.env))) {
      const group = name in flags ? flags : name in baseFlags ? baseFlags : undefined;
      if (group) group[name] = await withDefault(name, group[name]!, value, this);
    }
    return await super.parse({ ...definition, enableJsonFlag: this.ctor.enableJsonFlag, flags, baseFlags } as never, argv);
  };

  protected place(flags: { session?: string | undefined; node?: string | undefined; home?: string | undefined }): Place {
    return { home: chaincoreHome(flags.home, process.env), session: flags.session || undefined, node: flags.node || undefined };
  }

  /** A client of the running node that the flags name. @throws ChainCoreError no-node-running */
  protected async connect(flags: Parameters<BaseCommand["place"]>[0]): Promise<AdminClient> {
    return await connectToNode(this.place(flags));
  }

  override async catch(error: Error): Promise<void> {
    if (this.jsonEnabled()) {
      this.logJson(failureJson(error));
      this.exit(exitStatusOf(error));
    }
    throw error;
  }

  /** One line an answer, so that `--json` output can be cut, piped and read line by line. */
  override logJson(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A line of a stream: the object with --json, else `text`. */
  protected emit(value: object, text: string): void {
    process.stdout.write(this.jsonEnabled() ? `${JSON.stringify(value)}\n` : `${text}\n`);
  }
}

async function withDefault(
  name: string,
  flag: FlagDefinition,
  value: string | number | boolean,
  context: unknown,
): Promise<FlagDefinition> {
  if (flag.type === "boolean") return { ...flag, default: value === true };
  const text = String(value);
  if (flag.options && !flag.options.includes(text)) {
    throw new ChainCoreError("usage", `the config file says ${name}: ${text}, but it must be one of ${flag.options.join(", ")}`);
  }
  const parsed = await flag.parse(text, context, { ...flag, name });
  return { ...flag, default: flag.multiple ? [parsed] : parsed };
}
