/**
 * The light door: what a command needs that only asks a running node. Nothing heavy may be imported from here, so that
 * such a command starts in a few milliseconds.
 */
export { ChainCoreError } from "../errors.ts";
export { chaincoreHome, configFile } from "../files/paths.ts";
export { AdminClient } from "./admin-client.ts";
export type * from "./answers.ts";
export { askSession, type NodeReport, type SessionReport } from "./ask-session.ts";
export { connectToNode, currentSession, getRunningNode, type Place } from "./find-node.ts";
export { logTails } from "./node-logs.ts";
export { type LockCycle, type SessionLocksAnswer, type SessionStrand, sessionLocks } from "./session-locks.ts";
export { findSessionMetadata, isRunning, listSessions, type NodeEntry, type SessionMetadata } from "./session-metadata.ts";
export { sessionVariables } from "./session-variables.ts";
export { stopNode } from "./stop-node.ts";
export { removeUnfinished } from "./unfinished.ts";
