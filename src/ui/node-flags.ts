import { Flags } from "@oclif/core";

/** What a hosted node can be told. */
export const nodeFlags = {
  "node-id": Flags.string({ description: "name in the session [default: the first of core0, core1, ... that does not run]" }),
  "api-port": Flags.integer({
    description: "port of the API; 0 takes any free one [default: 5000, or the next free one]",
    min: 0,
    max: 65_535,
    env: "CHAINCORE_API_PORT",
  }),
  "p2p-port": Flags.integer({
    description: "port for other nodes; 0 takes any free one [default: 8000, or the next free one]",
    min: 0,
    max: 65_535,
    env: "CHAINCORE_P2P_PORT",
  }),
  "p2p-host": Flags.string({
    description: "address to listen on for other nodes; beyond this machine it needs --peer-token [default: 127.0.0.1]",
    env: "CHAINCORE_P2P_HOST",
  }),
  connect: Flags.string({ description: "a peer to link with, beside the session's nodes", helpValue: "URL", multiple: true }),
  "peer-token": Flags.string({
    description: "secret that all linked nodes share; it is proven and never sent",
    env: "CHAINCORE_PEER_TOKEN",
    noCacheDefault: true,
  }),
  network: Flags.string({ description: "network of a session that is new [default: regtest]" }),
  stratum: Flags.string({
    description: "also listen for stock miners (Stratum V1)",
    helpValue: "HOST:PORT",
    env: "CHAINCORE_STRATUM",
  }),
  lifeline: Flags.boolean({ description: "end when standard input ends", hidden: true }),
  reindex: Flags.boolean({ description: "build the database again from the block files" }),
  verifiers: Flags.integer({ description: "threads that run scripts [default: one a core, at most 8]", min: 0, max: 64 }),
  "log-level": Flags.string({
    description: "of all areas (debug) or of one (locks=debug)",
    helpValue: "AREA=LEVEL",
    multiple: true,
    default: [],
  }),
};
