import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { blockTemplateAnswer } from "../../src/core/mining/block-template-answer.ts";
import { fillCoinbaseWitness } from "../../src/core/mining/coinbase.ts";
import type { TemplateEntry } from "../../src/core/mining/template.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { SEQUENCE_FINAL, Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats, Txid } from "../../src/core/primitives/units.ts";
import { FakeChain } from "../fakes/fake-chain.ts";

/*
 * A miner written from BIP22, 23 and 145 alone: all that it knows is the JSON of getblocktemplate, all that it makes is the hex of a
 * block, its coinbase without witness, as cpuminer sends it.
 */

const sha256d = (bytes: Buffer) => createHash("sha256").update(createHash("sha256").update(bytes).digest()).digest();
const reversed = (hex: string) => Buffer.from(hex, "hex").reverse();

function little(value: number, bytes: 4 | 8): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeUInt32LE(value >>> 0);
  else buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function coinbaseOf(template: ReturnType<typeof blockTemplateAnswer>): Buffer {
  const height = template.height <= 16 ? Buffer.of(0x50 + template.height, 0) : Buffer.of(1, template.height);
  const commitment = Buffer.from(template.default_witness_commitment, "hex");
  return Buffer.concat([
    little(1, 4),
    Buffer.of(1),
    Buffer.alloc(32),
    little(0xffffffff, 4),
    Buffer.of(height.length),
    height,
    little(0xffffffff, 4),
    Buffer.of(2),
    ...[little(template.coinbasevalue, 8), Buffer.of(1, 0x51)],
    ...[little(0, 8), Buffer.of(commitment.length), commitment],
    little(0, 4),
  ]);
}

function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  const pairs = Array.from({ length: Math.ceil(leaves.length / 2) }, (_, at) => [
    leaves[2 * at]!,
    leaves[2 * at + 1] ?? leaves[2 * at]!,
  ]);
  return rootOf(pairs.map((pair) => sha256d(Buffer.concat(pair))));
}

/** Builds and solves a block; its hex is what submitblock would be sent. */
function mine(template: ReturnType<typeof blockTemplateAnswer>): string {
  const coinbase = coinbaseOf(template);
  const root = rootOf([sha256d(coinbase), ...template.transactions.map(({ txid }) => reversed(txid))]);
  const head = Buffer.concat([
    little(template.version, 4),
    reversed(template.previousblockhash),
    root,
    little(template.curtime, 4),
    reversed(template.bits),
  ]);
  for (let nonce = 0; ; nonce++) {
    const header = Buffer.concat([head, little(nonce, 4)]);
    if (sha256d(header).reverse().toString("hex") > template.target) continue;
    const count = Buffer.of(1 + template.transactions.length);
    return Buffer.concat([header, count, coinbase]).toString("hex") + template.transactions.map(({ data }) => data).join("");
  }
}

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
    const sent = Block.decode(Buffer.from(mine(json), "hex"));
    expect(sent.transactions[0]!.hasWitness).toBe(false);
    expect(chain.submit(fillCoinbaseWitness(sent)), `height ${height}`).toBeUndefined();
  }
});
