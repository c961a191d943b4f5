import { hexToBytes } from "../../src/core/encoding/hex.ts";

/** The first three blocks of Bitcoin: header and the nonce that its miner found. */
export const KNOWN_HEADERS: readonly { readonly name: string; readonly header: Uint8Array }[] = [
  {
    name: "genesis",
    header: hexToBytes(
      `01000000${"00".repeat(32)}3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c`,
    ),
  },
  {
    name: "block 1",
    header: hexToBytes(
      "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e" +
        "61bc6649ffff001d01e36299",
    ),
  },
  {
    name: "block 2",
    header: hexToBytes(
      "010000004860eb18bf1b1620e37e9490fc8a427514416fd75159ab86688e9a8300000000d5fdcc541e25de1c7a5addedf24858b8bb665c9f36ef744ee42c316022c90f9b" +
        "b0bc6649ffff001d08d2bd61",
    ),
  },
];
