import { amount } from "../format/amount.ts";
import type { ApiDeps } from "../ports.ts";
import type { RpcMethod } from "./method.ts";
import { result } from "./params.ts";
import { peerMethods } from "./peers.ts";

/** The version of Bitcoin Core whose answers these are; clients choose their calls by it. */
const CORE_VERSION = 310_100;
const PROTOCOL_VERSION = 70_016;

/** Other nodes, as far as this one has any. */
export function networkMethods(deps: ApiDeps): readonly RpcMethod[] {
  const { peers } = deps;
  const total = () => peers?.connected ?? 0;
  return [
    getnetworkinfo(deps),
    listing(
      "getpeerinfo",
      "Returns data about each connected network peer as a json array of objects.",
      () => peers?.list() ?? [],
    ),
    {
      ...listing("getconnectioncount", "Returns the number of connections to other nodes.", total),
      results: result("n", "(numeric) The connection count"),
    },
    getnettotals(deps),
    ...(peers === undefined ? NO_PEERS : peerMethods(peers, deps.clock)),
  ];
}

/** A node without a peer port answers the questions, and takes no orders. */
const NO_PEERS: readonly RpcMethod[] = [
  listing("getaddednodeinfo", "Returns information about the given added node, or all added nodes.", () => []),
  listing("listbanned", "List all manually banned IPs/Subnets.", () => []),
];

function listing(name: string, about: string, run: () => unknown): RpcMethod {
  return { name, group: "Network", about, params: [], results: result("[...]", "(json array)"), run };
}

function getnetworkinfo({ facts, pool, peers }: ApiDeps): RpcMethod {
  return {
    name: "getnetworkinfo",
    group: "Network",
    about: "Returns an object containing various state info regarding P2P networking.",
    params: [],
    results: result("{...}", "(json object)"),
    run: () => ({
      version: CORE_VERSION,
      subversion: `/ChainCore:${facts().version}/`,
      protocolversion: PROTOCOL_VERSION,
      localservices: "0000000000000c09",
      localservicesnames: ["NETWORK", "WITNESS", "NETWORK_LIMITED", "P2P_V2"],
      localrelay: true,
      timeoffset: 0,
      networkactive: true,
      connections: peers?.connected ?? 0,
      connections_in: peers?.inbound ?? 0,
      connections_out: (peers?.connected ?? 0) - (peers?.inbound ?? 0),
      networks: [],
      relayfee: amount(pool.relayFeeRate),
      incrementalfee: amount(pool.incrementalFeeRate),
      localaddresses: [],
      warnings: [],
    }),
  };
}

const SECONDS_PER_DAY = 86_400;

function getnettotals({ peers, clock }: ApiDeps): RpcMethod {
  return {
    name: "getnettotals",
    group: "Network",
    about: "Returns information about network traffic, including bytes in, bytes out, and current system time.",
    params: [],
    results: result("{...}", "(json object)"),
    run: () => ({
      totalbytesrecv: peers?.bytesReceived ?? 0,
      totalbytessent: peers?.bytesSent ?? 0,
      timemillis: clock.nowMs(),
      uploadtarget: {
        timeframe: SECONDS_PER_DAY,
        target: 0,
        target_reached: false,
        serve_historical_blocks: true,
        bytes_left_in_cycle: 0,
        time_left_in_cycle: 0,
      },
    }),
  };
}
