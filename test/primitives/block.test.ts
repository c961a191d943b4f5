import { expect, test } from "vitest";
import { merkleRoot } from "../../src/core/encoding/merkle.ts";
import { Reader } from "../../src/core/encoding/reader.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { hasTestData, testData, testLines } from "../support/test-data.ts";

/** Every block of the test data, raw. */
function* allBlocks(): Generator<Uint8Array> {
  for (const name of ["block1087400", "block300025", "block413567", "block928816", "mainnet-2021"]) {
    yield testData(`vectors/blocks/${name}.raw`);
  }
  for (const file of ["vectors/blocks/blocks1-256.dat", "chains/simple-1.dat"]) {
    const reader = new Reader(testData(file));
    while (reader.remaining > 0) {
      reader.skip(4);
      yield reader.bytes(reader.u32());
    }
  }
  for (const line of testLines<{ hex?: string; class?: string }>("chains/open-1/blocks.jsonl.gz")) {
    if (line.class === "valid" || line.class === "side") yield Buffer.from(line.hex!, "hex");
  }
}

test.skipIf(!hasTestData)("every block of the test data comes back byte for byte, whole and from its parts", () => {
  let blocks = 0;
  let transactions = 0;
  for (const raw of allBlocks()) {
    const block = Block.decode(raw);
    expect(Buffer.compare(Block.build(block.header, block.transactions).raw, raw)).toBe(0);
    expect(Buffer.compare(merkleRoot(block.txidLeaves()).root, block.header.merkleRootBytes)).toBe(0);
    for (const tx of block.transactions) {
      const { version, inputs, outputs, lockTime } = tx;
      const rebuilt = Transaction.build({ version, inputs, outputs, lockTime });
      if (Buffer.compare(rebuilt.raw, tx.raw) !== 0) expect.fail(`${tx.txid} differs when it is built from its parts`);
      transactions++;
    }
    blocks++;
  }
  console.log(`round trips: ${blocks} blocks, ${transactions} transactions`);
  expect(blocks).toBeGreaterThan(800);
});
