/**
 * The light door: what a command needs that only asks a running node. Nothing heavy may be imported from here, so that
 * such a command starts in a few milliseconds.
 */
export { ChainCoreError } from "../errors.ts";
export { chaincoreHome, configFile } from "../files/paths.ts";
export { AdminClient } from "./admin-client.ts";
export type * from "./answers.ts";
export { connectToNode, currentSession, getRunningNode, type Place } from "./find-node.ts";
export { findSessionMetadata, isRunning, type NodeEntry, type SessionMetadata } from "./session-metadata.ts";
export { stopNode } from "./stop-node.ts";
