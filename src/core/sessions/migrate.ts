import { type NodeEntry, SCHEMA_VERSION, type SessionMetadata } from "../client/session-metadata.ts";

type Loose = Record<string, unknown>;

/**
 * One step a schema version: `steps[n]` makes version n + 1 of version n. Version 0 is the guide's: nodes with id, ports,
 * registration time, `last_seen` in seconds and `is_active`, and nothing else.
 */
const steps: readonly ((metadata: Loose, name: string) => Loose)[] = [
  (metadata, name) => ({
    name,
    created: new Date(0).toISOString(),
    revision: 0,
    network: "regtest",
    chain_spec: null,
    ...metadata,
    nodes: (metadata["nodes"] as Loose[]).map(completeEntry),
  }),
];

/** Brings metadata of an older release to this one's shape; fields that it does not know stay. */
export function migrate(metadata: SessionMetadata, name: string): SessionMetadata {
  let value = metadata as unknown as Loose;
  for (let version = metadata.schema_version ?? 0; version < SCHEMA_VERSION; version++) {
    value = { ...steps[version]!(value, name), schema_version: version + 1 };
  }
  return value as unknown as SessionMetadata;
}

/** The process that wrote a version 0 entry cannot be told any more, so it does not count as running. */
function completeEntry(node: Loose, index: number): Loose {
  const seen = node["last_seen"];
  const entry: Omit<NodeEntry, "node_id" | "api_port" | "p2p_port"> = {
    registration_time: new Date(0).toISOString(),
    last_seen: new Date(0).toISOString(),
    is_active: false,
    pid: 0,
    pid_started: null,
    socket: "",
    cookie: "",
    api_url: null,
    p2p_url: null,
    account: index,
  };
  return {
    ...entry,
    ...node,
    is_active: false,
    ...(typeof seen === "number" ? { last_seen: new Date(seen * 1000).toISOString() } : {}),
  };
}
