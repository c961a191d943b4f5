import { Op } from "./opcodes.ts";

/** A witness program: a version of 0 to 16 and 2 to 40 bytes (BIP141). */
export interface WitnessProgram {
  readonly version: number;
  readonly program: Uint8Array;
}

export function isWitnessProgram(script: Uint8Array): boolean {
  const length = script.length;
  if (length < 4 || length > 42 || script[1]! + 2 !== length) return false;
  const first = script[0]!;
  return first === Op.OP_0 || (first >= Op.OP_1 && first <= Op.OP_16);
}

export function findWitnessProgram(script: Uint8Array): WitnessProgram | undefined {
  if (!isWitnessProgram(script)) return undefined;
  const first = script[0]!;
  return { version: first === Op.OP_0 ? 0 : first - Op.OP_1 + 1, program: script.subarray(2) };
}

/** OP_HASH160 <20 bytes> OP_EQUAL (BIP16). */
export function isPayToScriptHash(script: Uint8Array): boolean {
  return script.length === 23 && script[0] === Op.OP_HASH160 && script[1] === 20 && script[22] === Op.OP_EQUAL;
}

/** The output that anyone may spend to pay for its transaction: version 1, 4e73. */
export function isAnchorProgram({ version, program }: WitnessProgram): boolean {
  return version === 1 && program.length === 2 && program[0] === 0x4e && program[1] === 0x73;
}

/** Whether nobody can ever spend it; such outputs never enter the coin set. */
export function isUnspendable(script: Uint8Array): boolean {
  return script[0] === Op.OP_RETURN || script.length > 10_000;
}

/** OP_DUP OP_HASH160 <20 bytes> OP_EQUALVERIFY OP_CHECKSIG: also what a version 0 program of 20 bytes runs (BIP143). */
export function payToKeyHash(hash: Uint8Array): Uint8Array {
  const script = new Uint8Array(25);
  script[0] = Op.OP_DUP;
  script[1] = Op.OP_HASH160;
  script[2] = 20;
  script.set(hash, 3);
  script[23] = Op.OP_EQUALVERIFY;
  script[24] = Op.OP_CHECKSIG;
  return script;
}

export function isPayToKeyHash(script: Uint8Array): boolean {
  return (
    script.length === 25 &&
    script[0] === Op.OP_DUP &&
    script[1] === Op.OP_HASH160 &&
    script[2] === 20 &&
    script[23] === Op.OP_EQUALVERIFY &&
    script[24] === Op.OP_CHECKSIG
  );
}
