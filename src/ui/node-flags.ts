import { Flags } from "@oclif/core";
import { peerFlags } from "./peer-flags.ts";

/** What a hosted node can be told. */
export const nodeFlags = {
  "node-id": Flags.string({ description: "name in the session [default: the first of core0, core1, ... that does not run]" }),
  "api-port": Flags.integer({
    description: "port of the API; 0 takes any free one [default: 5000, or the next free one]",
    min: 0,
    max: 65_535,
    env: "CHAINCORE_API_PORT",
  }),
  ...peerFlags,
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
