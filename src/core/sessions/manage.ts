import { readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { generateMnemonic, validateMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { CURRENT_SESSION_FILE, currentSession, type Place } from "../client/find-node.ts";
import { findSessionMetadata, isRunning, type SessionMetadata } from "../client/session-metadata.ts";
import { removeUnfinished, unfinishedPath } from "../client/unfinished.ts";
import { readChainSpec } from "../consensus/chain-spec.ts";
import { ChainCoreError } from "../errors.ts";
import { syncFolder, writeFileAtomic } from "../files/atomic-file.ts";
import { sessionFolder } from "../files/paths.ts";
import type { Clock } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import { findOrphans } from "./leftovers.ts";
import type { SessionTerms } from "./registry.ts";
import { Session } from "./session.ts";
import { specForSpacing } from "./target-spacing.ts";

const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

export interface CreateOptions {
  /** BIP39 words, or "random". Undefined: the development mnemonic. */
  readonly mnemonic?: string | undefined;
  readonly use?: boolean;
  /** The parsed JSON of a private network. */
  readonly chainSpec?: unknown;
  /** A private network with a block about every so many seconds. */
  readonly targetSpacingSeconds?: number | undefined;
  /** How many nodes `session up` starts when it is not told. */
  readonly nodes?: number | undefined;
}

/**
 * Makes a session that must not stand yet.
 * @throws ChainCoreError session-exists, bad-mnemonic, chain-spec, and what Session.open throws
 */
export async function createSession(place: Place, options: CreateOptions = {}): Promise<Session> {
  if (place.session !== undefined) sessionFolder(place.home, place.session); // Also where it is empty: it was given.
  const name = await currentSession(place);
  if (await findSessionMetadata(place.home, name)) throw sessionExists(name);
  const mnemonic = options.mnemonic === undefined ? {} : { mnemonic: mnemonicOf(options.mnemonic) };
  const session = await Session.open({ home: place.home, name, clock, ...mnemonic, terms: termsOf(name, options) });
  if (options.use) await useSession(place.home, name);
  return session;
}

/** A chain spec's JSON. @throws ChainCoreError chain-spec for a file that cannot be read or is no JSON */
export async function readSpecFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === undefined ? `is no JSON: ${(error as Error).message}` : `cannot be read (${code})`;
    throw new ChainCoreError("chain-spec", `the chain spec ${path} ${why}`, { cause: error });
  }
}

/** The session that a command means, made on demand. @throws as Session.open */
export async function openSession(place: Place): Promise<Session> {
  return await Session.open({ home: place.home, name: await currentSession(place), clock });
}

/** The session that a command means, if it stands. @throws as Session.open */
export async function findSession(place: Place): Promise<Session | undefined> {
  return (await findSessionMetadata(place.home, await currentSession(place))) && (await openSession(place));
}

/** Makes `name` the session of commands that are given none. @throws ChainCoreError no-such-session */
export async function useSession(home: string, name: string): Promise<void> {
  await getSession(home, name);
  await writeFileAtomic(join(home, CURRENT_SESSION_FILE), `${name}\n`);
}

/** Deletes a session whose nodes have all ended. @throws ChainCoreError no-such-session, nodes-run */
export async function removeSession(home: string, name: string): Promise<void> {
  await removeUnfinished(home);
  await refuseRunning(home, name, await getSession(home, name));
  const folder = sessionFolder(home, name);
  // Out of sight in one step, so that nobody opens half a session.
  const doomed = unfinishedPath(home, "removed");
  await rename(folder, doomed);
  await syncFolder(dirname(folder));
  await rm(doomed, { recursive: true, force: true });
}

/** @throws ChainCoreError nodes-run: of a node that is registered, or that works in its folder without being so */
export async function refuseRunning(home: string, name: string, metadata: SessionMetadata): Promise<void> {
  const running = metadata.nodes.filter(isRunning).map((node) => node.node_id);
  const orphan = (await findOrphans(home, name, metadata.nodes))[0];
  if (running.length > 0) {
    const how = `stop them first with "chaincore session down -s ${name}"`;
    throw new ChainCoreError("nodes-run", `session "${name}" still runs ${running.join(", ")}; ${how}`);
  }
  if (orphan === undefined) return;
  const text = `process ${orphan.pid} works in the folder of ${orphan.node} of session "${name}"`;
  throw new ChainCoreError("nodes-run", `${text}; wait for it, or end it with "kill ${orphan.pid}"`);
}

export function sessionExists(name: string): ChainCoreError {
  return new ChainCoreError("session-exists", `session "${name}" stands already; remove it first or choose another name`);
}

/** @throws ChainCoreError no-such-session */
export async function getSession(home: string, name: string): Promise<SessionMetadata> {
  const metadata = await findSessionMetadata(home, name);
  if (metadata) return metadata;
  throw new ChainCoreError("no-such-session", `there is no session "${name}"; "chaincore session list" shows those that stand`);
}

/** The network's rules are read before anything is written, and the first block's nonce is kept, so that it is searched once. */
function termsOf(name: string, { chainSpec, targetSpacingSeconds, nodes }: CreateOptions): SessionTerms {
  const wanted = nodes === undefined ? {} : { nodes_wanted: nodes };
  const spec = chainSpec ?? (targetSpacingSeconds === undefined ? undefined : specForSpacing(name, targetSpacingSeconds));
  if (spec === undefined) return { network: "regtest", chain_spec: null, ...wanted };
  const params = readChainSpec(spec);
  const { nonce } = Block.decode(params.genesis).header;
  const kept = spec as { readonly genesis: object };
  return { network: params.name, chain_spec: { ...kept, genesis: { ...kept.genesis, nonce } }, ...wanted };
}

function mnemonicOf(words: string): string {
  if (words === "random") return generateMnemonic(wordlist);
  const clean = words.trim().split(/\s+/).join(" ");
  if (validateMnemonic(clean, wordlist)) return clean;
  throw new ChainCoreError("bad-mnemonic", "these are no BIP39 words with a right checksum; check their spelling and order");
}
