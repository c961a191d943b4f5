import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SessionCreate extends BaseCommand {
  static override summary = "Make a session: a registry, a mnemonic and a place for nodes";
  static override description =
    "Without --mnemonic the session uses the well-known development mnemonic, whose coins anybody can spend.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> alpha",
    "<%= config.bin %> <%= command.id %> alpha --mnemonic random --use",
    "<%= config.bin %> <%= command.id %> slow --target-spacing 10s --nodes 3",
  ];
  static override args = {
    name: Args.string({ description: "name of the session [default: the one in use]" }),
  };
  static override flags = {
    mnemonic: Flags.string({ description: 'twelve or more BIP39 words, or "random"' }),
    nodes: Flags.integer({ description: "how many nodes session up starts when it is not told [default: 1]", min: 1, max: 64 }),
    "target-spacing": Flags.string({
      description: "a network of its own with a block about this often, its difficulty following the miners",
      helpValue: "10s",
      exclusive: ["chain-spec"],
    }),
    "chain-spec": Flags.string({ description: "a network of its own, as this JSON file says", helpValue: "FILE" }),
    use: Flags.boolean({ description: "let commands without --session mean this one" }),
  };

  async run(): Promise<{ session: string; folder: string }> {
    const { args, flags } = await this.parse(SessionCreate);
    const { createSession, currentSession, readSpecFile } = await import("../../core/index.ts");
    const { parseSeconds } = await import("../../ui/seconds.ts");
    const place = this.place(flags);
    const spacing = flags["target-spacing"];
    const session = await createSession(
      { ...place, session: args.name ?? place.session },
      {
        mnemonic: flags.mnemonic,
        use: flags.use,
        nodes: flags.nodes,
        targetSpacingSeconds: spacing === undefined ? undefined : parseSeconds(spacing.replace(/s$/, "")),
        chainSpec: flags["chain-spec"] === undefined ? undefined : await readSpecFile(flags["chain-spec"]),
      },
    );
    this.log(session.folder);
    const current = await currentSession(place);
    if (current !== session.name)
      this.logToStderr(
        `commands mean "${current}" still: add --session ${session.name}, or run "chaincore session use ${session.name}"`,
      );
    return { session: session.name, folder: session.folder };
  }
}
