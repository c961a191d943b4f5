import { expect, test } from "vitest";
import { blockTemplateAnswer } from "../../src/core/mining/block-template-answer.ts";
import { fillCoinbaseWitness } from "../../src/core/mining/coinbase.ts";
import type { TemplateEntry } from "../../src/core/mining/template.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { SEQUENCE_FINAL, Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats, Txid } from "../../src/core/primitives/units.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { solveTemplate } from "./template-miner.ts";

function pooled(txid: Txid, fee: number): TemplateEntry {
  const input = { txid, vout: 0, scriptSig: new Uint8Array(0), sequence: SEQUENCE_FINAL, witness: [new Uint8Array(71)] };
  const outputs = [{ value: 1_000 as Sats, script: Uint8Array.of(0x51) }];
  return { tx: Transaction.build({ version: 2, inputs: [input], outputs, lockTime: 0 }), fee: fee as Sats, sigopCost: 1 };
}

test("a miner that knows only getblocktemplate's answer makes blocks that follow the tip", () => {
  const chain = new FakeChain();
  for (let height = 1; height <= 20; height++) {
    const parent = pooled(height.toString(16).padStart(64, "0") as Txid, 500);
    const entries = height % 2 === 0 ? [parent, pooled(parent.tx.txid, 700)] : [];
    const { template } = chain.candidate(entries);
    const json = JSON.parse(JSON.stringify(blockTemplateAnswer(template, { poolSequence: height })));
    const sent = Block.decode(Buffer.from(solveTemplate(json), "hex"));
    expect(sent.transactions[0]!.hasWitness).toBe(false);
    expect(chain.submit(fillCoinbaseWitness(sent)), `height ${height}`).toBeUndefined();
  }
});
