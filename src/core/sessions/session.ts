import { chmod, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isRunning, type SessionMetadata } from "../client/session-metadata.ts";
import { writeFileAtomic } from "../files/atomic-file.ts";
import { chaincoreHome, ensurePrivateFolder, nodeFolder, sessionFolder } from "../files/paths.ts";
import { socketPath } from "../files/socket-path.ts";
import type { Clock } from "../ports.ts";
import { Registry, type SessionTerms } from "./registry.ts";

/** The mnemonic that every development chain knows. Its coins are everybody's: never fund it on a network of value. */
export const DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk";

export interface SessionOptions {
  /** Undefined: $CHAINCORE_HOME and its fallbacks. */
  readonly home?: string | undefined;
  readonly name: string;
  /** For a session that does not stand yet. */
  readonly terms?: SessionTerms;
  /** For a session that does not stand yet; the development mnemonic by default. */
  readonly mnemonic?: string;
  readonly clock: Clock;
}

const REGTEST: SessionTerms = { network: "regtest", chain_spec: null };

/** Nodes that belong together, as a folder: registry, mnemonic, and a folder per node. */
export class Session {
  readonly home: string;
  readonly name: string;
  readonly folder: string;
  readonly registry: Registry;
  readonly #environment = process.env;

  private constructor(home: string, name: string, clock: Clock) {
    this.home = home;
    this.name = name;
    this.folder = sessionFolder(home, name);
    this.registry = new Registry({ home, session: name }, { clock });
  }

  /**
   * Takes the session that stands or makes it. Safe when many processes do so at once.
   * @throws ChainCoreError bad-environment, bad-session-name, bad-session-metadata, session-too-new
   */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(chaincoreHome(options.home, process.env), options.name, options.clock);
    await ensurePrivateFolder(session.home);
    await ensurePrivateFolder(join(session.home, "sessions"));
    await ensurePrivateFolder(session.folder);
    await session.#ensureMnemonic(options.mnemonic ?? DEVELOPMENT_MNEMONIC);
    await session.registry.open(options.terms ?? REGTEST);
    return session;
  }

  /** The folder of a node, made on demand. @throws ChainCoreError bad-node-name, bad-environment */
  async nodeFolder(nodeId: string): Promise<string> {
    const folder = nodeFolder(this.home, this.name, nodeId);
    await ensurePrivateFolder(join(this.folder, "nodes"));
    await ensurePrivateFolder(folder);
    return folder;
  }

  /** Where that node's admin socket belongs; the folder around it stands afterwards, ours and closed to others. */
  async socketPath(nodeId: string): Promise<string> {
    const path = socketPath(await this.nodeFolder(nodeId), this.#environment);
    await ensurePrivateFolder(dirname(path));
    return path;
  }

  /** The id for a node that was given none: core0, else the first coreN that does not run. */
  async nextNodeId(): Promise<string> {
    const running = new Set((await this.registry.read()).nodes.filter(isRunning).map((entry) => entry.node_id));
    for (let n = 0; ; n++) if (!running.has(`core${n}`)) return `core${n}`;
  }

  get mnemonicPath(): string {
    return join(this.folder, "mnemonic");
  }

  async mnemonic(): Promise<string> {
    return (await readFile(this.mnemonicPath, "utf8")).trim();
  }

  async metadata(): Promise<SessionMetadata> {
    return await this.registry.read();
  }

  /** Under the registry's lock, so that of many first processes one decides. The file's mode is mended on the way. */
  async #ensureMnemonic(mnemonic: string): Promise<void> {
    await this.registry.lock.withLock(async () => {
      try {
        await chmod(this.mnemonicPath, 0o600);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        await writeFileAtomic(this.mnemonicPath, `${mnemonic}\n`, { mode: 0o600 });
      }
    });
  }
}
