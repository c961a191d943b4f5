import { base58 } from "@scure/base";
import { expect, test } from "vitest";
import { bytesToHex, hexToBytes } from "../../src/core/encoding/hex.ts";
import { type AddressPrefixes, addressOfScript, decodeAddress, decodeSecretKey } from "../../src/core/primitives/address.ts";
import { hasTestData, testJson } from "../support/test-data.ts";

const MAIN: AddressPrefixes = { bech32: "bc", publicKeyHash: 0, scriptHash: 5, secretKey: 128 };
const TEST: AddressPrefixes = { bech32: "tb", publicKeyHash: 111, scriptHash: 196, secretKey: 239 };
const NETWORKS: Record<string, AddressPrefixes> = {
  main: MAIN,
  test: TEST,
  signet: TEST,
  testnet4: TEST,
  regtest: { ...TEST, bech32: "bcrt" },
};

type KeyIoCase = [string, string, { chain: string; isPrivkey: boolean; isCompressed?: boolean; tryCaseFlip?: boolean }];

test.skipIf(!hasTestData)("every valid address and key of Bitcoin Core's key_io_valid is read, and written back", () => {
  const cases = testJson<KeyIoCase[]>("vectors/core/key_io_valid.json");
  for (const [text, hex, { chain, isPrivkey, isCompressed }] of cases) {
    const prefixes = NETWORKS[chain]!;
    if (isPrivkey) {
      const secret = decodeSecretKey(text, prefixes)!;
      expect([bytesToHex(secret.key), secret.compressed]).toEqual([hex, isCompressed]);
      continue;
    }
    const decoded = decodeAddress(text, prefixes);
    expect("script" in decoded && bytesToHex(decoded.script), text).toBe(hex);
    expect(addressOfScript(hexToBytes(hex), prefixes)).toBe(text);
  }
  console.log(`key_io_valid.json: ${cases.length} cases`);
  expect(cases).toHaveLength(70);
});

test.skipIf(!hasTestData)("no address or key of Bitcoin Core's key_io_invalid is read on any network", () => {
  const cases = testJson<[string][]>("vectors/core/key_io_invalid.json");
  for (const [text] of cases) {
    for (const prefixes of Object.values(NETWORKS)) {
      expect("error" in decodeAddress(text, prefixes), text).toBe(true);
      expect(decodeSecretKey(text, prefixes), text).toBeUndefined();
    }
  }
  console.log(`key_io_invalid.json: ${cases.length} cases`);
  expect(cases).toHaveLength(70);
});

test.skipIf(!hasTestData)("base58 agrees with Bitcoin Core's vectors", () => {
  const cases = testJson<[string, string][]>("vectors/core/base58_encode_decode.json");
  for (const [hex, text] of cases) {
    expect(base58.encode(hexToBytes(hex))).toBe(text);
    expect(bytesToHex(base58.decode(text))).toBe(hex.toLowerCase());
  }
  console.log(`base58_encode_decode.json: ${cases.length} cases`);
  expect(cases).toHaveLength(21);
});

interface RpcCase {
  readonly request: { readonly body?: string };
  readonly response: { readonly body: string };
}

test.skipIf(!hasTestData)("what is wrong with an address, and where, is said in Bitcoin Core's words", () => {
  let cases = 0;
  for (const { request, response } of testJson<{ requests: RpcCase[] }>("chains/open-1/rpc.json").requests) {
    if (!request.body?.includes('"method":"validateaddress"') || request.body.trimStart().startsWith("[")) continue;
    const address = JSON.parse(request.body).params[0];
    const expected = JSON.parse(response.body).result;
    if (expected === null || typeof address !== "string") continue;
    const decoded = decodeAddress(address, NETWORKS["regtest"]!);
    if ("error" in decoded) {
      expect({ error: decoded.error, error_locations: decoded.locations, isvalid: false }).toEqual(expected);
    } else {
      expect(bytesToHex(decoded.script)).toBe(expected.scriptPubKey);
      expect([decoded.isScript, decoded.witnessVersion]).toEqual([expected.isscript, expected.witness_version]);
    }
    cases++;
  }
  expect(cases).toBeGreaterThan(40);
});

test("two wrong characters of a segwit address are both found", () => {
  const good = "bcrt1q7lt0n9fx7lppd3wlvresw35asrdflhr65u6fed";
  const wrong = `${good.slice(0, 10)}q${good.slice(11, 30)}p${good.slice(31)}`;
  const decoded = decodeAddress(wrong, NETWORKS["regtest"]!);
  expect(decoded).toEqual({ error: "Invalid Bech32 checksum", locations: [10, 30] });
});
