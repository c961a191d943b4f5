import { ChainCoreError } from "../errors.ts";
import { LockManager } from "../locks/manager.ts";
import { LockSpace } from "../locks/space.ts";
import type { Clock, Entropy, Log } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import type { BlockHash } from "../primitives/units.ts";
import { WorkCoordinator, type WorkStatistics } from "./coordinator.ts";
import { type CycleOptions, type GuardedJob, JobCycle, type MinerEvent, type SubmitResult } from "./job-cycle.ts";
import type { KernelName } from "./kernel.ts";
import { checkKernel } from "./kernel-module.ts";
import type { Candidate } from "./template.ts";
import { defaultThreads, type TeamOptions, WorkerTeam } from "./worker-team.ts";

/** What mining needs from outside: something to mine, and somebody who takes what is found. */
export interface MiningDeps {
  /** The best candidate now; asked for whenever there is a new tip, a solved job, or every 30 s. */
  readonly source: () => Promise<Candidate>;
  readonly submit: (block: Block) => Promise<SubmitResult>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** The node's locks; its "mining" lock guards the current job. A miner in a process of its own may do without. */
  readonly locks?: LockManager;
  readonly onEvent?: (event: MinerEvent) => void;
}

export interface MinerStatistics {
  readonly id: string;
  readonly kernel: KernelName;
  readonly workers: readonly { readonly name: string; readonly hashes: number }[];
  readonly hashes: number;
}

export interface PoolStatistics {
  readonly miners: readonly MinerStatistics[];
  readonly hashesPerSecond: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly stale: number;
  /** The target that is mined at, and the height; undefined before the first job. */
  readonly target: bigint | undefined;
  readonly height: number | undefined;
  readonly work: WorkStatistics;
}

/** Hashes per second of one thread to assume until a rate is measured: rather more than today's processors do. */
const RATE_GUESS: Record<KernelName, number> = {
  ...{ "native-avx512": 35e6, "native-avx2": 16e6, "native-sha-ni": 16e6, "native-generic": 8e6 },
  ...{ "wasm-simd": 8e6, "node-crypto": 1e6 },
};

/** Several miners that share one coordinator, so that none does another's work (MiningPool of the guide). */
export class MiningPool {
  readonly coordinator: WorkCoordinator;
  readonly #options: CycleOptions;
  readonly #deps: MiningDeps;
  readonly #teams = new Map<string, WorkerTeam>();
  #hashesOfRemoved = 0;
  #cycle: JobCycle | undefined;
  #isMining = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CycleOptions, deps: MiningDeps) {
    this.#options = options;
    this.#deps = deps;
    const firstExtranonce = new DataView(deps.entropy.bytes(4).slice().buffer).getUint32(0);
    this.coordinator = new WorkCoordinator({ firstExtranonce }, { clock: deps.clock });
  }

  get isMining(): boolean {
    return this.#isMining;
  }

  /** Adds a miner; while the pool is mining it starts at once.
   * @throws ChainCoreError "miner-exists", "too-many-workers", "no-such-kernel" */
  addMiner(id: string, options: { threads?: number } & Omit<TeamOptions, "id" | "threads"> = {}): void {
    if (this.#teams.has(id))
      throw new ChainCoreError("miner-exists", `The pool has a miner "${id}" already.`, { detail: { id } });
    if (options.kernel !== undefined) checkKernel(options.kernel);
    const team = new WorkerTeam(
      { ...options, id, threads: options.threads ?? defaultThreads() },
      {
        coordinator: this.coordinator,
        log: this.#deps.log,
        tell: (message) => this.#cycle?.hear(message),
        fail: (error) => this.#cycle?.fail(error),
      },
    );
    if (this.isMining) this.coordinator.checkRoom(team.options.threads);
    this.#teams.set(id, team);
    if (this.isMining) team.start();
  }

  /** Ends a miner; what it was about to try is tried by the others. @returns whether there was one */
  async removeMiner(id: string): Promise<boolean> {
    const team = this.#teams.get(id);
    if (!team) return false;
    this.#teams.delete(id);
    await team.stop();
    this.#hashesOfRemoved += team.totalHashes();
    return true;
  }

  /** Starts all miners. @returns how many; 0 if they are mining already
   * @throws ChainCoreError "too-many-workers" */
  start(): number {
    if (this.isMining) return 0;
    const teams = [...this.#teams.values()];
    this.coordinator.checkRoom(teams.reduce((sum, team) => sum + team.options.threads, 0));
    const rateGuess = teams.reduce((sum, team) => sum + team.options.threads * RATE_GUESS[team.kernel], 0);
    const { locks = new LockManager(LockSpace.create({ locks: 1, owners: 8 })), ...deps } = this.#deps;
    const lock = locks.getLock("mining", "MINING");
    const guarded: GuardedJob = (publish) => {
      return locks.task("miner", (at) => lock.withWrite(at, (held) => publish(held), { site: "publish" }));
    };
    const { coordinator } = this;
    const cycle = new JobCycle(this.#options, {
      ...deps,
      coordinator,
      guarded,
      rateGuess,
      totalHashes: () => this.#totalHashes(),
    });
    this.#cycle = cycle;
    for (const team of teams) team.start();
    this.#isMining = true;
    this.#running = this.#run(cycle);
    this.#running.catch((error: Error) => this.#deps.log.error({ error: error.message }, "mining ended by an error"));
    return teams.length;
  }

  async #run(cycle: JobCycle): Promise<void> {
    try {
      await cycle.run();
    } finally {
      await this.#stopTeams();
      this.#isMining = false;
    }
  }

  /** Ends when `blocks` are accepted or stop() was called, and all workers are gone; rejects if mining failed. */
  async finished(): Promise<void> {
    await this.#running;
  }

  /** Stops all miners within 100 ms, but for a block that is just being handed in. */
  async stop(): Promise<void> {
    this.#cycle?.stop();
    await Promise.all([this.#stopTeams(), this.#running]);
  }

  async #stopTeams(): Promise<void> {
    await Promise.all([...this.#teams.values()].map((team) => team.stop()));
  }

  /** The best chain has another tip: workers abandon the old one's work at once, and have new work when the template is made. */
  tipChanged(tip?: BlockHash): void {
    this.#cycle?.tipChanged(tip);
  }

  statistics(): PoolStatistics {
    const cycle = this.#cycle;
    const miners = [...this.#teams.values()].map((team) => {
      return { id: team.options.id, kernel: team.kernel, workers: team.hashes(), hashes: team.totalHashes() };
    });
    return {
      miners,
      hashesPerSecond: cycle?.hashesPerSecond ?? 0,
      accepted: cycle?.accepted ?? 0,
      rejected: cycle?.rejected ?? 0,
      stale: cycle?.stale ?? 0,
      target: cycle?.target,
      height: cycle?.height,
      work: this.coordinator.statistics(),
    };
  }

  #totalHashes(): number {
    return [...this.#teams.values()].reduce((sum, team) => sum + team.totalHashes(), this.#hashesOfRemoved);
  }
}
