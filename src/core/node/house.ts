import { readFileSync } from "node:fs";
import type { NodeRegistration } from "../sessions/registry.ts";
import type { Session } from "../sessions/session.ts";
import type { NodeLog } from "./log.ts";
import type { NodeParts } from "./parts.ts";
import type { SystemClock } from "./system.ts";

/** What stands before a node answers. */
export interface House {
  readonly id: string;
  readonly directory: string;
  readonly session: Session;
  /** Number of the node's account in the session's mnemonic. */
  readonly account: number;
  readonly clock: SystemClock;
  readonly log: NodeLog;
  readonly parts: NodeParts;
  /** What the registry says of it, but for the ports. */
  readonly place: Omit<NodeRegistration, "api_port" | "api_url" | "p2p_port" | "p2p_url">;
  readonly apiPort: number | undefined;
}

export const version: string = (
  JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string }
).version;
