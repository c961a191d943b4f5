import { expect, test } from "vitest";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { blockTemplateAnswer, longPollId } from "../../src/core/mining/block-template-answer.ts";
import { fillCoinbaseWitness } from "../../src/core/mining/coinbase.ts";
import { mineOne } from "../../src/core/mining/generate.ts";
import { buildTemplate, Candidate, type TemplateEntry } from "../../src/core/mining/template.ts";
import { workFromJson, workToJson } from "../../src/core/mining/template-json.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { SEQUENCE_FINAL, Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats, Txid } from "../../src/core/primitives/units.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { seededBytes } from "../support/seeded.ts";

let count = 0;

/** A pooled transaction that spends `parent`, or a coin of its own. */
function entry(
  options: { parent?: Transaction; fee?: number; bytes?: number; lockTime?: number; witness?: boolean; sigopCost?: number } = {},
): TemplateEntry {
  const { parent, fee = 1_000, bytes = 20, lockTime = 0, witness = true, sigopCost = 4 } = options;
  const txid = parent?.txid ?? ((++count).toString(16).padStart(64, "0") as Txid);
  const sequence = lockTime === 0 ? SEQUENCE_FINAL : 0;
  const input = { txid, vout: 0, scriptSig: new Uint8Array(0), sequence, witness: witness ? [new Uint8Array(70)] : [] };
  const outputs = [{ value: 5_000 as Sats, script: new Uint8Array(bytes) }];
  return { tx: Transaction.build({ version: 2, inputs: [input], outputs, lockTime }), fee: fee as Sats, sigopCost };
}

const zeros = { bytes: (length: number) => new Uint8Array(length) };

test("blocks made of templates pass the rules, with and without transactions, at every form of the height", () => {
  const chain = new FakeChain();
  for (const height of [1, 2, 16, 17, 18, 127, 128, 129]) {
    while (chain.tip.height < height - 1) chain.extend();
    const first = entry();
    const block = mineOne(chain.candidate([first, entry({ parent: first.tx }), entry({ witness: false })]), zeros);
    expect(chain.submit(block), `height ${height}`).toBeUndefined();
    expect(block.transactions.length).toBe(4);
  }
});

test("the coinbase pays subsidy and fees to the script asked for, and carries the tag", () => {
  const chain = new FakeChain();
  for (let height = 0; height < 149; height++) chain.extend();
  const template = buildTemplate({
    parent: chain.tip,
    params: REGTEST,
    entries: [entry({ fee: 7 }), entry({ fee: 11 })],
    nowSeconds: 0,
  });
  const script = Uint8Array.of(0x51, 0x52);
  const block = mineOne(new Candidate(template, { script, tag: "hello" }), zeros);
  const coinbase = block.transactions[0]!;
  expect(coinbase.value(0)).toBe(25 * 100_000_000 + 18); // The first halving of regtest.
  expect([...coinbase.outputScript(0)]).toEqual([...script]);
  expect(Buffer.from(coinbase.scriptSig(0)).toString("latin1")).toContain("hello");
  expect(() => new Candidate(template, { script, tag: "x".repeat(100) })).toThrow(
    expect.objectContaining({ code: "coinbase-tag-too-long" }),
  );
});

test("the time is the clock's, but never at or below the median of the last eleven", () => {
  const chain = new FakeChain();
  for (let height = 0; height < 20; height++) chain.extend();
  const at = (nowSeconds: number) => buildTemplate({ parent: chain.tip, params: REGTEST, entries: [], nowSeconds });
  expect(at(chain.tip.medianTimePast + 500.7)).toMatchObject({
    time: chain.tip.medianTimePast + 500,
    minTime: chain.tip.medianTimePast + 1,
  });
  expect(at(5).time).toBe(chain.tip.medianTimePast + 1);
});

test("what is too heavy, has too many signature operations or is not final is left out, and what spends it too", () => {
  const chain = new FakeChain();
  const taken = (entries: TemplateEntry[]) => {
    const template = buildTemplate({ parent: chain.tip, params: REGTEST, entries, nowSeconds: 0 });
    return entries.map((each) => template.entries.includes(each));
  };
  const heavy = [entry({ bytes: 400_000 }), entry({ bytes: 400_000 }), entry({ bytes: 400_000 }), entry()];
  expect(taken(heavy)).toEqual([true, true, false, true]);
  expect(taken([entry({ sigopCost: 79_000 }), entry({ sigopCost: 1_000 }), entry()])).toEqual([true, false, true]);
  const later = entry({ lockTime: 100 });
  const child = entry({ parent: later.tx });
  expect(taken([later, child, entry({ parent: child.tx }), entry()])).toEqual([false, false, false, true]);
});

test("generating again with other randomness gives another block on the same parent", () => {
  const candidate = new FakeChain().candidate();
  const random = seededBytes(1);
  const hashes = Array.from({ length: 10 }, () => mineOne(candidate, { bytes: random }).hash);
  expect(new Set(hashes).size).toBe(10);
});

test("a target out of reach ends generating after the number of tries", () => {
  const { template } = new FakeChain().candidate();
  const candidate = new Candidate({ ...template, bits: 0x1d00ffff }, { script: Uint8Array.of(0x51) });
  expect(() => mineOne(candidate, zeros, 100)).toThrow(expect.objectContaining({ code: "max-tries" }));
  expect(() => mineOne(candidate, zeros, 10_000)).toThrow(expect.objectContaining({ code: "max-tries" }));
});

test("a harder target than node:crypto should try is solved by the kernel", () => {
  const { template } = new FakeChain().candidate();
  const candidate = new Candidate({ ...template, bits: 0x1e7fffff }, { script: Uint8Array.of(0x51) });
  const block = mineOne(candidate, zeros); // One in 2^17.
  expect(block.hash.startsWith("0000")).toBe(true);
});

test("the witness that a stock miner leaves out is filled in, and nothing else is touched", () => {
  const chain = new FakeChain();
  const block = mineOne(chain.candidate([entry()]), zeros);
  const coinbase = Transaction.decode(block.transactions[0]!.stripped());
  const asSent = Block.build(block.header, [coinbase, ...block.transactions.slice(1)]);
  expect(chain.submit(asSent)).toBe("bad-witness-nonce-size");
  expect([...fillCoinbaseWitness(asSent).raw]).toEqual([...block.raw]);
  expect(fillCoinbaseWitness(block)).toBe(block);
  expect(fillCoinbaseWitness(asSent, false)).toBe(asSent);
  const genesis = Block.decode(REGTEST.genesis);
  expect(fillCoinbaseWitness(genesis)).toBe(genesis);
});

test("getblocktemplate's answer names parents by their place, and everything else as Bitcoin Core does", () => {
  const chain = new FakeChain();
  const parent = entry({ fee: 150 });
  const other = entry();
  const child = entry({ parent: parent.tx });
  const template = chain.candidate([parent, other, child]).template;
  const answer = blockTemplateAnswer(template, { poolSequence: 433 });
  expect(answer.transactions.map(({ depends }) => depends)).toEqual([[], [], [1]]);
  expect(answer.transactions[0]).toEqual({
    data: Buffer.from(parent.tx.raw).toString("hex"),
    txid: parent.tx.txid,
    hash: parent.tx.wtxid,
    depends: [],
    fee: 150,
    sigops: 4,
    weight: parent.tx.weight,
  });
  expect({ ...answer, transactions: [], default_witness_commitment: "" }).toEqual({
    capabilities: ["proposal"],
    version: 0x20000000,
    rules: ["csv", "!segwit", "taproot"],
    vbavailable: {},
    vbrequired: 0,
    previousblockhash: chain.tip.hash,
    transactions: [],
    coinbaseaux: {},
    coinbasevalue: 50 * 100_000_000 + 2_150,
    longpollid: `${chain.tip.hash}433`,
    target: `7fffff${"0".repeat(58)}`,
    mintime: chain.tip.medianTimePast + 1,
    mutable: ["time", "transactions", "prevblock"],
    noncerange: "00000000ffffffff",
    sigoplimit: 80_000,
    sizelimit: 4_000_000,
    weightlimit: 4_000_000,
    curtime: template.time,
    bits: "207fffff",
    height: 1,
    default_witness_commitment: "",
  });
  expect(answer.default_witness_commitment).toMatch(/^6a24aa21a9ed[0-9a-f]{64}$/);
  expect(longPollId(template, 434)).not.toBe(answer.longpollid);
});

test("work sent to another process as JSON gives the same blocks there, under a prefix of its own", () => {
  const chain = new FakeChain();
  const parent = entry();
  const candidate = chain.candidate([parent, entry({ parent: parent.tx })]);
  const received = workFromJson(JSON.parse(JSON.stringify(workToJson(candidate, 7))));
  expect(received.prefix).toBe(7);
  const solution = { prefix: 7, extranonce: 1, nonce: 2 };
  expect(received.candidate.block(solution).hash).toBe(candidate.block(solution).hash);
  expect(received.candidate.block(solution).hash).not.toBe(candidate.block({ ...solution, prefix: 0 }).hash);
});

test.each([null, 5, {}, { version: 1 }, { ...workToJson(new FakeChain().candidate(), 0), prevHash: "00" }])(
  "what is no work is refused as such: %j",
  (json) => {
    expect(() => workFromJson(json)).toThrow(expect.objectContaining({ code: "bad-work" }));
  },
);
