import { ChainCoreError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import type { Peers } from "../ports.ts";
import type { RpcMethod } from "./method.ts";
import { nothing, optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Peers by hand, as Bitcoin Core's clients know it; a node is a URL or HOST:PORT. */
export function peerMethods(peers: Peers, clock: Pick<Clock, "nowMs">): readonly RpcMethod[] {
  return [
    addnode(peers),
    getaddednodeinfo(peers),
    disconnectnode(peers),
    setban(peers, clock),
    listbanned(peers, clock),
    clearbanned(peers),
    ping(peers),
  ];
}

function addnode(peers: Peers): RpcMethod {
  return {
    name: "addnode",
    group: "Network",
    about: "Attempts to add or remove a node from the addnode list.\nOr try a connection to a node once.",
    params: [
      param("node", "string", "The address of the peer to connect to"),
      param(
        "command",
        "string",
        "'add' to add a node to the list, 'remove' to remove a node from the list, 'onetry' to try a connection to the node once",
      ),
      optional("v2transport", "boolean", "Accepted and passed over: links go over HTTP"),
    ],
    results: nothing,
    async run(args) {
      const node = args.text(0);
      switch (args.text(1)) {
        case "add":
          if (await named(() => peers.add(node))) return null;
          throw new RpcError(RPC.NODE_ALREADY_ADDED, "Error: Node already added");
        case "remove":
          if (await named(() => peers.remove(node))) return null;
          throw new RpcError(RPC.NODE_NOT_ADDED, "Error: Node could not be removed. It has not been added previously.");
        case "onetry":
          await named(() => peers.tryOnce(node));
          return null;
        default:
          throw new RpcError(RPC.MISC, 'addnode "node" "command": the command is add, remove or onetry');
      }
    },
  };
}

function getaddednodeinfo(peers: Peers): RpcMethod {
  return {
    name: "getaddednodeinfo",
    group: "Network",
    about: "Returns information about the given added node, or all added nodes.",
    params: [
      optional(
        "node",
        "string",
        "If provided, return information about this specific node, otherwise all nodes are returned.",
        "all nodes",
      ),
    ],
    results: result("[...]", "(json array)"),
    run(args) {
      const node = args.text(0, undefined);
      const found = peers.added().filter(({ url }) => node === undefined || url === node || url === `http://${node}`);
      if (node !== undefined && found.length === 0) throw new RpcError(RPC.NODE_NOT_ADDED, "Error: Node has not been added.");
      return found.map(({ url, connected }) => ({
        addednode: url,
        connected: connected !== null,
        addresses: connected === null ? [] : [{ address: url.replace(/^https?:\/\//, ""), connected }],
      }));
    },
  };
}

function disconnectnode(peers: Peers): RpcMethod {
  return {
    name: "disconnectnode",
    group: "Network",
    about: "Immediately disconnects from the specified peer node.",
    params: [
      optional("address", "string", "The IP address/port of the node", "fallback to nodeid"),
      optional("nodeid", "number", "The node ID (see getpeerinfo for node IDs)", "fallback to address"),
    ],
    results: nothing,
    run(args) {
      const id = args.integer(1, undefined);
      const byId = id === undefined ? undefined : peers.list().find((peer) => peer["id"] === id);
      const name = id === undefined ? args.text(0, "") : String(byId?.["addr"] ?? "");
      if (name === "" || peers.disconnect(name) === 0)
        throw new RpcError(RPC.NODE_NOT_CONNECTED, "Node not found in connected nodes");
      return null;
    },
  };
}

function setban(peers: Peers, clock: Pick<Clock, "nowMs">): RpcMethod {
  return {
    name: "setban",
    group: "Network",
    about: "Attempts to add or remove an IP/Subnet from the banned list.",
    params: [
      param(
        "subnet",
        "string",
        "The IP/Subnet (see getpeerinfo for nodes IP) with an optional netmask (default is /32 = single IP)",
      ),
      param("command", "string", "'add' to add an IP/Subnet to the list, 'remove' to remove an IP/Subnet from the list"),
      optional("bantime", "number", "time in seconds how long (or until when if [absolute] is set) the IP is banned", "0"),
      optional("absolute", "boolean", "If set, the bantime must be an absolute timestamp expressed in UNIX epoch time", "false"),
    ],
    results: nothing,
    async run(args) {
      const name = args.text(0);
      if (args.text(1) === "remove") {
        if ((await named(() => peers.unban(name))) > 0) return null;
        throw new RpcError(
          RPC.INVALID_IP_OR_SUBNET,
          "Error: Unban failed. Requested address/subnet was not previously manually banned.",
        );
      }
      if (peers.bans().some((ban) => ban.name === name))
        throw new RpcError(RPC.NODE_ALREADY_ADDED, "Error: IP/Subnet already banned");
      const time = args.integer(2, 0);
      const seconds = args.boolean(3, false) ? time - Math.floor(clock.nowMs() / 1000) : time;
      const length = seconds > 0 ? { seconds } : {};
      await named(() => peers.ban(name, { reason: "setban", ...length }), RPC.INVALID_IP_OR_SUBNET, "Error: Invalid IP/Subnet");
      return null;
    },
  };
}

function listbanned(peers: Peers, clock: Pick<Clock, "nowMs">): RpcMethod {
  return {
    name: "listbanned",
    group: "Network",
    about: "List all manually banned IPs/Subnets.",
    params: [],
    results: result("[...]", "(json array)"),
    run: () =>
      peers.bans().map(({ name, since, until, reason }) => ({
        address: name,
        ban_created: since,
        banned_until: until,
        ban_duration: until - since,
        time_remaining: until - Math.floor(clock.nowMs() / 1000),
        ban_reason: reason,
      })),
  };
}

function clearbanned(peers: Peers): RpcMethod {
  return {
    name: "clearbanned",
    group: "Network",
    about: "Clear all banned IPs.",
    params: [],
    results: nothing,
    run: () => peers.clearBans().then(() => null),
  };
}

function ping(peers: Peers): RpcMethod {
  return {
    name: "ping",
    group: "Network",
    about:
      "Requests that a ping be sent to all other nodes, to measure ping time.\nResults are provided in getpeerinfo, pingtime and pingwait fields.",
    params: [],
    results: nothing,
    run() {
      void peers.ping();
      return null;
    },
  };
}

/** What is wrong with a name becomes an error with its number. */
async function named<R>(run: () => Promise<R>, code: number = RPC.MISC, text?: string): Promise<R> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ChainCoreError)) throw error;
    throw new RpcError(code, text ?? error.message);
  }
}
