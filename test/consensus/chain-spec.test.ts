import { expect, test } from "vitest";
import { ChainSpecError, readChainSpec } from "../../src/core/consensus/chain-spec.ts";
import { checkBlock } from "../../src/core/consensus/check-block.ts";
import { Block } from "../../src/core/primitives/block.ts";

const SPEC = {
  name: "lab",
  genesis: { message: "the lab opens", time: 1_700_000_000 },
  bits: "207fffff",
  targetSpacingSeconds: 15,
  halvingInterval: 150,
  prefixes: { bech32: "lab" },
};

function refusal(change: Record<string, unknown>): string {
  try {
    readChainSpec({ ...SPEC, ...change });
  } catch (error) {
    if (error instanceof ChainSpecError) return error.message;
    throw error;
  }
  return "accepted";
}

test("a spec makes a network with a genesis of its own", () => {
  const params = readChainSpec(SPEC);
  const genesis = Block.decode(params.genesis);
  expect(checkBlock(genesis, params)).toBeUndefined();
  expect(genesis.header.time).toBe(1_700_000_000);
  expect(Buffer.from(genesis.transactions[0]!.scriptSig(0)).toString("latin1")).toContain("the lab opens");
  expect(params).toMatchObject({
    name: "lab",
    retarget: { kind: "relative-exponential", halfLifeSeconds: 300 },
    futureSecondsMax: 15,
    coinbaseMaturity: 100,
    firstSubsidy: 5_000_000_000,
    prefixes: { bech32: "lab", publicKeyHash: 111, scriptHash: 196, secretKey: 239 },
  });
});

test("equal specs make equal networks, another message another one", () => {
  const other = readChainSpec({ ...SPEC, genesis: { ...SPEC.genesis, message: "the lab opens!" } });
  expect(readChainSpec(structuredClone(SPEC))).toEqual(readChainSpec(SPEC));
  expect(other.magic).not.toEqual(readChainSpec(SPEC).magic);
});

test("the nonce is searched for easy bits, and must be given and right for hard ones", () => {
  const params = readChainSpec({ ...SPEC, bits: "1f00ffff" });
  const { header } = Block.decode(params.genesis);
  const { nonce } = header;
  expect(readChainSpec({ ...SPEC, bits: "1f00ffff", genesis: { ...SPEC.genesis, nonce } }).genesis).toEqual(params.genesis);
  expect(refusal({ bits: "1f00ffff", genesis: { ...SPEC.genesis, nonce: nonce + 1 } })).toContain("does not meet 1f00ffff");
  expect(refusal({ bits: "1d00ffff" })).toContain("genesis.nonce is missing, and 1d00ffff takes too many hashes");
});

test("more money than a number holds is refused", () => {
  expect(refusal({ halvingInterval: 900_719 })).toBe("accepted");
  expect(refusal({ halvingInterval: 900_720 })).toContain("more than 9007199254740991 satoshis (2^53 - 1)");
});

test("what is missing, unknown or out of range is named", () => {
  expect(refusal({ name: undefined })).toBe("chain spec: name is missing");
  expect(refusal({ name: "regtest" })).toContain("public network");
  expect(refusal({ name: "No Spaces" })).toContain("name must match");
  expect(refusal({ colour: "red" })).toContain('unknown field "colour"');
  expect(refusal({ genesis: { ...SPEC.genesis, message: "" } })).toContain("genesis.message must be a text");
  expect(refusal({ genesis: { ...SPEC.genesis, message: "é".repeat(46) } })).toContain("1 to 90 bytes");
  expect(refusal({ genesis: { message: "x", time: -1 } })).toContain("genesis.time is -1");
  expect(refusal({ bits: "20ffffff" })).toContain("no target");
  expect(refusal({ bits: "207fffff", powLimit: "1f00ffff" })).toContain("easier than powLimit");
  expect(refusal({ targetSpacingSeconds: 0 })).toContain("from 1 to 86400");
  expect(refusal({ targetSpacingSeconds: 1.5 })).toContain("whole number");
  expect(refusal({ retarget: "hourly" })).toContain("retarget must be");
  expect(refusal({ coinbaseMaturity: 0 })).toContain("coinbaseMaturity is 0");
  expect(refusal({ magic: "fabf" })).toContain("magic must match");
  expect(refusal({ prefixes: { bech32: "LAB" } })).toContain("prefixes.bech32");
  expect(refusal({ prefixes: { bech32: "lab", publicKeyHash: 196 } })).toContain("could not be told apart");
  expect(() => readChainSpec([])).toThrow("must be an object");
});
