import { expect, test } from "vitest";
import { dustLimit } from "../../src/core/mempool/dust.ts";
import { FeeFloor } from "../../src/core/mempool/fee-floor.ts";
import { DEFAULT_POLICY } from "../../src/core/mempool/policy.ts";
import { hasStandardInputs, hasStandardWitnesses, nonstandardReason } from "../../src/core/mempool/standard-transaction.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import type { FeeRate, Height, Sats } from "../../src/core/primitives/units.ts";
import { buildTx, type TxParts } from "../support/build-block.ts";
import { PAY_SCRIPT } from "./test-pool.ts";

const hash = (length: number) => Buffer.alloc(length, 7);
const bytes = (...parts: (number | Uint8Array)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : part)));
const P2PKH = bytes(0x76, 0xa9, 20, hash(20), 0x88, 0xac);
const P2SH = bytes(0xa9, 20, hash(20), 0x87);
const P2WSH = bytes(0, 32, hash(32));
const P2TR = bytes(0x51, 32, hash(32));
const P2A = bytes(0x51, 2, 0x4e, 0x73);
const key = bytes(2, hash(32));
const multisig = (required: number, keys: number) =>
  bytes(0x50 + required, ...Array.from({ length: keys }, () => bytes(33, key)), 0x50 + keys, 0xae);

const pays = (script: Uint8Array, parts: TxParts = {}) => buildTx({ outputs: [{ value: 10_000, script }], ...parts });
const reason = (parts: TxParts, policy = {}) => nonstandardReason(pays(PAY_SCRIPT, parts), { ...DEFAULT_POLICY, ...policy });
const outputReason = (script: Uint8Array, policy = {}) => nonstandardReason(pays(script), { ...DEFAULT_POLICY, ...policy });

test("versions 1 to 3 are relayed", () => {
  expect([0, 1, 2, 3, 4, 0xffffffff].map((version) => reason({ version }))).toEqual([
    "version",
    undefined,
    undefined,
    undefined,
    "version",
    "version",
  ]);
});

test("a transaction weighs 400,000 at most", () => {
  const heavy = (size: number) => reason({ inputs: [{ witness: [hash(size)] }] });
  const bare = pays(PAY_SCRIPT, { inputs: [{ witness: [hash(70_000)] }] }).weight - 70_000;
  expect(heavy(400_000 - bare)).toBeUndefined();
  expect(heavy(400_001 - bare)).toBe("tx-size");
});

test("a scriptSig only pushes, 1,650 bytes at most", () => {
  const scriptSig = (length: number) => reason({ inputs: [{ scriptSig: hash(length).fill(0x51) }] });
  expect(scriptSig(1650)).toBeUndefined();
  expect(scriptSig(1651)).toBe("scriptsig-size");
  expect(reason({ inputs: [{ scriptSig: Uint8Array.of(0x61) }] })).toBe("scriptsig-not-pushonly");
});

test("outputs have one of the known forms", () => {
  const good = [PAY_SCRIPT, P2PKH, P2SH, P2WSH, P2TR, P2A, bytes(33, key, 0xac), multisig(1, 3), bytes(0x52, 4, hash(4))];
  for (const script of good) expect(outputReason(script)).toBeUndefined();
  for (const script of [Uint8Array.of(0x51), hash(3), multisig(1, 4), new Uint8Array(0), bytes(0x6a, 0xac)]) {
    expect(outputReason(script)).toBe("scriptpubkey");
  }
  expect(outputReason(multisig(1, 3), { permitBareMultisig: false })).toBe("bare-multisig");
});

test("data outputs share one allowance", () => {
  const data = (length: number) => ({ value: 0, script: bytes(0x6a, 0x4d, length & 255, length >> 8, hash(length)) });
  expect(reason({ outputs: [data(40_000), data(40_000)] })).toBeUndefined();
  const two = [data(40), data(35)]; // 44 and 39 bytes of script.
  expect(reason({ outputs: two }, { dataCarrierBytesMax: 83 })).toBeUndefined();
  expect(reason({ outputs: two }, { dataCarrierBytesMax: 82 })).toBe("datacarrier");
  expect(reason({ outputs: [data(1)] }, { dataCarrierBytesMax: 0 })).toBe("datacarrier");
});

test("dust is less than its spending costs", () => {
  const limits = [P2PKH, PAY_SCRIPT, P2SH, P2WSH, P2TR, P2A, bytes(0x6a, 1, 0)].map((script) =>
    dustLimit(script, 3000 as FeeRate),
  );
  expect(limits).toEqual([546, 294, 540, 330, 330, 240, 0]);
  const dust = { value: 293, script: PAY_SCRIPT };
  expect(reason({ outputs: [dust] })).toBeUndefined(); // One may be swept by a child.
  expect(reason({ outputs: [dust, dust] })).toBe("dust");
});

function coin(script: Uint8Array): Coin {
  return { value: 10_000 as Sats, script, height: 1 as Height, isCoinbase: false };
}

const inputsPass = (script: Uint8Array, scriptSig = new Uint8Array(0)) =>
  hasStandardInputs(buildTx({ inputs: [{ scriptSig }] }), [coin(script)]);

test("only known forms are spent", () => {
  for (const script of [PAY_SCRIPT, P2PKH, P2WSH, P2TR, P2A, multisig(1, 3)]) expect(inputsPass(script)).toBe(true);
  expect(inputsPass(Uint8Array.of(0x51))).toBe(false);
  expect(inputsPass(bytes(0x52, 4, hash(4)))).toBe(false); // A later witness version.
});

test("a redeem script has fifteen signature operations at most", () => {
  const reveal = (redeemScript: Uint8Array) => bytes(redeemScript.length, redeemScript);
  expect(inputsPass(P2SH, reveal(hash(15).fill(0xac)))).toBe(true);
  expect(inputsPass(P2SH, reveal(hash(16).fill(0xac)))).toBe(false);
  expect(inputsPass(P2SH)).toBe(false); // Nothing revealed.
  expect(inputsPass(P2SH, Uint8Array.of(0x50))).toBe(false); // OP_RESERVED fails.
});

test("2,500 operations outside witnesses are a transaction's limit (BIP54)", () => {
  const spent = Array.from({ length: 251 }, () => coin(P2PKH));
  const scriptSig = hash(9).fill(0xac);
  const tx = (count: number) => buildTx({ inputs: Array.from({ length: count }, (_, vout) => ({ vout, scriptSig })) });
  expect(hasStandardInputs(tx(250), spent.slice(0, 250))).toBe(true);
  expect(hasStandardInputs(tx(251), spent)).toBe(false);
});

const witnessPasses = (script: Uint8Array, witness: readonly Uint8Array[], scriptSig = new Uint8Array(0)) =>
  hasStandardWitnesses(buildTx({ inputs: [{ witness, scriptSig }] }), [coin(script)]);

test("witnesses stand where they belong", () => {
  expect(witnessPasses(PAY_SCRIPT, [hash(71), key])).toBe(true);
  expect(witnessPasses(P2PKH, [hash(1)])).toBe(false);
  expect(witnessPasses(P2A, [hash(1)])).toBe(false);
  expect(witnessPasses(P2SH, [hash(1)], bytes(22, PAY_SCRIPT))).toBe(true);
  expect(witnessPasses(P2SH, [hash(1)], bytes(1, 0x51))).toBe(false);
  expect(hasStandardWitnesses(buildTx(), [coin(P2PKH)])).toBe(true);
});

test("a witness script has 3,600 bytes and a hundred items of eighty bytes at most", () => {
  const script = (length: number) => hash(length);
  expect(witnessPasses(P2WSH, [script(3600)])).toBe(true);
  expect(witnessPasses(P2WSH, [script(3601)])).toBe(false);
  expect(witnessPasses(P2WSH, [hash(80), script(1)])).toBe(true);
  expect(witnessPasses(P2WSH, [hash(81), script(1)])).toBe(false);
  const items = (count: number) => Array.from({ length: count }, () => hash(1));
  expect(witnessPasses(P2WSH, [...items(100), script(1)])).toBe(true);
  expect(witnessPasses(P2WSH, [...items(101), script(1)])).toBe(false);
});

test("taproot spends have no annex, and tapscripts small items", () => {
  const control = bytes(0xc0, hash(32));
  expect(witnessPasses(P2TR, [hash(64)])).toBe(true);
  expect(witnessPasses(P2TR, [hash(64), bytes(0x50)])).toBe(false);
  expect(witnessPasses(P2TR, [hash(80), hash(500), control])).toBe(true);
  expect(witnessPasses(P2TR, [hash(81), hash(500), control])).toBe(false);
  expect(witnessPasses(P2TR, [hash(81), hash(500), bytes(0xc2, hash(32))])).toBe(true); // Another leaf version.
  expect(witnessPasses(P2TR, [hash(5), new Uint8Array(0)])).toBe(false);
});

test("the floor of a full pool stands until a block comes, then falls by half in twelve hours", () => {
  const floor = new FeeFloor(100 as FeeRate);
  expect(floor.current(0, 1)).toBe(0);
  floor.raise(900);
  expect(floor.current(1_000_000, 1)).toBe(1000);
  floor.noteBlock(0);
  expect(floor.current(12 * 3600, 1)).toBe(500);
  expect(floor.current(24 * 3600, 1)).toBe(250);
  expect(floor.current(24 * 3600 + 3 * 3600, 0.1)).toBe(125); // Four times as fast when it is nearly empty.
  expect(floor.current(24 * 3600 + 6 * 3600, 0.1)).toBe(100); // Not below one step while it lasts ...
  expect(floor.current(24 * 3600 + 12 * 3600, 0.1)).toBe(0); // ... then it is gone.
});
