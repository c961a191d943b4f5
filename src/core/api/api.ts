import { JsonRpc } from "./json-rpc.ts";
import { LoadMeter } from "./load.ts";
import { Metrics } from "./metrics.ts";
import type { ApiDeps } from "./ports.ts";
import { rpcMethods } from "./rpc/methods.ts";
import { RpcTable } from "./rpc/rpc-table.ts";
import { statsAnswer } from "./stats.ts";
import { statusAnswer } from "./status.ts";

/*
 * What a node answers.
 *
 *   http-server    the API port: JSON-RPC with credentials (cookie), /status, /stats, /metrics      routes: what both servers share
 *   admin-server   the socket file: the same without credentials, and /v1                            admin-routes, admin-socket (who owns the file)
 *   json-rpc       versions, batches, errors                                                         rpc/: the methods, one file per group
 *   format/        values as Bitcoin Core writes them: amounts, scripts, transactions, blocks
 *   events         what happens, as one ordered stream                                               load, stats, status, metrics: figures
 *   ports          what all this asks of the node that it belongs to                                 chain-reader, pool-reader: from Chain and Mempool
 *
 * Calls read without locks: tip, blocks and coins are of the last commit, the pool is read in one turn of the event loop. What changes
 * something goes through a sink that takes its own locks, under the lock task of its request.
 */

/** The answers of one node, for any number of servers. */
export interface Api {
  readonly deps: ApiDeps;
  readonly rpc: JsonRpc;
  readonly table: RpcTable;
  readonly metrics: Metrics;
  status(): object;
  stats(): object;
  /** Aborted when the node begins to stop: streams and long-polls end. */
  readonly stopping: AbortSignal;
  /** Ends streams and long-polls; to be called before the servers are closed. */
  stop(): void;
}

export function createApi(deps: ApiDeps): Api {
  const { clock, locks, log } = deps;
  const started = clock.monotonicMs();
  const stopping = new AbortController();
  const load = new LoadMeter(() => clock.monotonicMs());
  const table = new RpcTable();
  table.add(rpcMethods(deps, () => table.all()));
  return {
    deps,
    table,
    rpc: new JsonRpc({ table, locks, log, observer: load, stopping: stopping.signal }),
    metrics: new Metrics(deps, load),
    status: () => statusAnswer(deps),
    stats: () => statsAnswer(deps, load, (clock.monotonicMs() - started) / 1000),
    stopping: stopping.signal,
    stop: () => stopping.abort(),
  };
}
