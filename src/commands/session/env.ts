import { BaseCommand } from "../../base.ts";

export default class SessionEnv extends BaseCommand {
  static override summary = "Print the running node's places as export lines for eval";
  static override examples = ['eval "$(<%= config.bin %> <%= command.id %>)"; curl "$CHAINCORE_API/status"'];

  async run(): Promise<Readonly<Record<string, string>>> {
    const { flags } = await this.parse(SessionEnv);
    const { getRunningNode } = await import("../../core/client/index.ts");
    const place = this.place(flags);
    const { session, entry } = await getRunningNode(place);
    const variables = {
      CHAINCORE_HOME: place.home,
      CHAINCORE_SESSION: session,
      CHAINCORE_NODE: entry.node_id,
      CHAINCORE_API: entry.api_url ?? "",
      CHAINCORE_P2P: entry.p2p_url ?? "",
      CHAINCORE_SOCKET: entry.socket,
      CHAINCORE_COOKIE: entry.cookie,
    };
    for (const [name, value] of Object.entries(variables)) this.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
    return variables;
  }
}
