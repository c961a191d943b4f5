import type { RpcHelp } from "../method.ts";

/** What `help submitblock` says. */
export const SUBMITBLOCK_HELP: RpcHelp = {
  about: "Attempts to submit new block to network.\nSee https://en.bitcoin.it/wiki/BIP_0022 for full specification.",
  params: [
    { name: "hexdata", type: "string", about: "the hex-encoded block data to submit" },
    {
      name: "dummy",
      type: "string",
      about: "dummy value, for compatibility with BIP22. This value is ignored.",
      optional: true,
      fallback: "ignored",
    },
  ],
  results: [
    { when: "If the block was accepted", rows: [["null", "(json null)"]] },
    { when: "Otherwise", rows: [['"str"', "(string) According to BIP22"]] },
  ],
  examples: ['"mydata"'],
};
