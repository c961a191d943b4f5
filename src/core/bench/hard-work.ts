import { LockManager } from "../locks/manager.ts";
import { WorkCoordinator } from "../mining/coordinator.ts";
import { WorkerTeam } from "../mining/worker-team.ts";

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const HEADER = Uint8Array.from({ length: 80 }, (_, index) => (index * 73 + 5) & 255);

/** Threads that mine a job which nobody can solve, as a node's miners do on a network that is not regtest. */
export class HardWork {
  readonly #team: WorkerTeam;

  private constructor(team: WorkerTeam) {
    this.#team = team;
  }

  static async start(threads: number): Promise<HardWork> {
    const coordinator = new WorkCoordinator({}, { clock: { monotonicMs: () => performance.now() } });
    const locks = new LockManager();
    const lock = locks.getLock("mining", "MINING");
    const draft = { header: HEADER, target: 0n, coinbaseBefore: HEADER, coinbaseAfter: HEADER, branch: [new Uint8Array(32)] };
    await locks.task("bench", (at) => lock.withWrite(at, (held) => coordinator.publish(held, draft)));
    const fail = (error: Error) => {
      throw error;
    };
    const team = new WorkerTeam({ id: "bench", threads }, { coordinator, log: QUIET, tell: () => {}, fail });
    team.start();
    return new HardWork(team);
  }

  async stop(): Promise<void> {
    await this.#team.stop();
  }
}
