import type { Txid } from "../../primitives/units.ts";
import type { ApiDeps } from "../ports.ts";

/** Transactions that were sent to this node and that no other node has been told of; they leave with the pool, and when there are peers. */
export class Unbroadcast {
  readonly #deps: Pick<ApiDeps, "peers">;
  readonly #txids = new Set<Txid>();

  constructor(deps: Pick<ApiDeps, "events" | "peers">) {
    this.#deps = deps;
    deps.events.follow(deps.events.sequence, (event) => {
      if (event.event === "transaction-removed") this.#txids.delete(event.txid as Txid);
      return true;
    });
  }

  add(txid: Txid): void {
    if (!this.#isTold) this.#txids.add(txid);
  }

  has(txid: Txid): boolean {
    return !this.#isTold && this.#txids.has(txid);
  }

  get size(): number {
    return this.#isTold ? 0 : this.#txids.size;
  }

  /** Transactions are relayed at once to whoever is connected. */
  get #isTold(): boolean {
    return (this.#deps.peers?.connected ?? 0) > 0;
  }
}
