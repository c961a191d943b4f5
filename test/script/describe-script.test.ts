import { describe, expect, test } from "vitest";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { asm } from "../../src/core/script/asm.ts";
import { decodeScript, describeScript } from "../../src/core/script/describe-script.ts";
import { descriptorChecksum, inferDescriptor } from "../../src/core/script/descriptor.ts";
import { classifyScript } from "../../src/core/script/templates.ts";
import { hasTestData, testJson } from "../support/test-data.ts";
import { parseScript } from "./core-script.ts";

const { prefixes } = REGTEST;
const key = "02bd85ef81492111c248adc70756d2d60a45d911e659f2fae65cce6d23c4f3e382";
const oddKey = "03dbeef1781eb18d1073422bc8083579ab1f89421374c9b2ded15e6e2f86a45580";
const longKey =
  "04a55b6292e93cc4509645fe7fd15e6099652b61b9907328fc77ef53503e6fbe200be7c3838ff9f279a9c9ba35134039cf5b7fc20e207ddf8674fec51e781eba6c";
const hybridKey = `06${longKey.slice(2)}`;

type Json = { readonly [name: string]: Json } | readonly Json[] | string | number | boolean | null;

interface RecordedCall {
  readonly request: { readonly body: string | null };
  readonly response: { readonly body: string | null };
}

/** Calls that Bitcoin Core 31.1 answered, as pairs of parsed bodies. */
function recordedCalls(): readonly { method: string; params: Json; result: Json }[] {
  const { requests } = testJson<{ requests: readonly RecordedCall[] }>("chains/open-1/rpc.json");
  return requests.flatMap(({ request, response }) => {
    try {
      const { method, params } = JSON.parse(request.body ?? "") as { method: string; params: Json };
      const { result } = JSON.parse(response.body ?? "") as { result: Json };
      return [{ method, params, result }];
    } catch {
      return []; // A request that is malformed on purpose, or a batch.
    }
  });
}

/** Every object within `value` that `isWanted`. */
function collect(value: Json, isWanted: (object: Readonly<Record<string, Json>>) => boolean): Readonly<Record<string, Json>>[] {
  if (value === null || typeof value !== "object") return [];
  const inner = Object.values(value).flatMap((one) => collect(one as Json, isWanted));
  return !Array.isArray(value) && isWanted(value as Readonly<Record<string, Json>>)
    ? [value as Readonly<Record<string, Json>>, ...inner]
    : inner;
}

describe.skipIf(!hasTestData)("Bitcoin Core's answers", () => {
  test("rpc_decodescript.json: every case, field for field and in order", () => {
    const cases = testJson<[string, Json][]>("vectors/core/rpc_decodescript.json");
    for (const [hex, answer] of cases) expect(decodeScript(hexToBytes(hex), prefixes), hex).toEqual(answer);
    expect(cases.length).toBe(10);
    console.info(`rpc_decodescript.json: ${cases.length} cases`);
  });

  test("every decodescript that was recorded, to the byte", () => {
    const calls = recordedCalls().filter(({ method, result }) => method === "decodescript" && result !== null);
    for (const { params, result } of calls) {
      const hex = (params as readonly string[])[0]!;
      expect(JSON.stringify(decodeScript(hexToBytes(hex), prefixes)), hex).toBe(JSON.stringify(result));
    }
    console.info(`rpc.json: ${calls.length} decodescript answers`);
    expect(calls.length).toBeGreaterThan(80);
  });

  test("every scriptPubKey and scriptSig in recorded transactions, to the byte", () => {
    const calls = recordedCalls().filter(({ method }) => method !== "decodescript");
    const outputs = calls.flatMap(({ result }) => collect(result, (one) => "asm" in one && "desc" in one && "hex" in one));
    for (const output of outputs) {
      expect(JSON.stringify(describeScript(hexToBytes(output["hex"] as string), prefixes))).toBe(JSON.stringify(output));
    }
    const scriptSigs = calls.flatMap(({ result }) => collect(result, (one) => "asm" in one && "hex" in one && !("desc" in one)));
    for (const { asm: text, hex } of scriptSigs) expect(asm(hexToBytes(hex as string), true)).toBe(text);
    console.info(`rpc.json: ${outputs.length} output scripts, ${scriptSigs.length} scriptSigs`);
    expect(outputs.length).toBeGreaterThan(200);
    expect(scriptSigs.length).toBeGreaterThan(50);
  });
});

test("recognises the standard forms, and nothing that only looks like them", () => {
  const types = (scripts: readonly string[]) => scripts.map((script) => classifyScript(parseScript(script)).type);
  expect(types([`0x21 0x${key} CHECKSIG`, `0x41 0x${longKey} CHECKSIG`, `0x41 0x${hybridKey} CHECKSIG`])).toEqual(
    Array(3).fill("pubkey"),
  );
  expect(types([`0x21 0x05${key.slice(2)} CHECKSIG`, `0x20 0x${key.slice(2)} CHECKSIG`, `0x4c 0x21 0x${key} CHECKSIG`])).toEqual(
    Array(3).fill("nonstandard"),
  );
  const hash20 = `0x14 0x${"11".repeat(20)}`;
  const hash32 = `0x20 0x${"11".repeat(32)}`;
  expect(types([`DUP HASH160 ${hash20} EQUALVERIFY CHECKSIG`, `HASH160 ${hash20} EQUAL`])).toEqual(["pubkeyhash", "scripthash"]);
  expect(
    types([`0 ${hash20}`, `0 ${hash32}`, `1 ${hash32}`, "1 0x02 0x4e73", `2 ${hash32}`, `1 ${hash20}`, "16 0x02 0x0101"]),
  ).toEqual([
    "witness_v0_keyhash",
    "witness_v0_scripthash",
    "witness_v1_taproot",
    "anchor",
    "witness_unknown",
    "witness_unknown",
    "witness_unknown",
  ]);
  expect(types(["0 0x02 0x4e73", `0 0x15 0x${"11".repeat(21)}`, "17 0x02 0x0101", "1 0x01 0x01"])).toEqual(
    Array(4).fill("nonstandard"),
  );
  expect(types(["RETURN", "RETURN 0", "RETURN 0x02 0xabcd 16", "RETURN RESERVED"])).toEqual(Array(4).fill("nulldata"));
  expect(types(["RETURN NOP", "RETURN 0x02 0xab", "NOP RETURN"])).toEqual(Array(3).fill("nonstandard"));
});

test("recognises bare multisig with 1 <= m <= n <= 20, counts in their shortest form", () => {
  const push = `0x21 0x${key}`;
  const type = (script: string) => classifyScript(parseScript(script)).type;
  for (const good of [
    `1 ${push} 1 CHECKMULTISIG`,
    `2 ${push} 0x41 0x${longKey} ${push} 3 CHECKMULTISIG`,
    `17 ${`${push} `.repeat(20)} 20 CHECKMULTISIG`,
  ]) {
    expect(type(good)).toBe("multisig");
  }
  for (const bad of [
    `0 ${push} 1 CHECKMULTISIG`,
    `2 ${push} 1 CHECKMULTISIG`,
    `1 ${push} 2 CHECKMULTISIG`,
    `1 ${push} 1 CHECKMULTISIGVERIFY`,
    `1 ${push} 1 NOP CHECKMULTISIG`,
    `1 ${push} 0x02 0x0100 CHECKMULTISIG`,
    `0x01 0x01 ${push} 1 CHECKMULTISIG`,
    `1 ${`${push} `.repeat(21)} 21 CHECKMULTISIG`,
    `1 ${push} CHECKMULTISIG`,
    "1 0 CHECKMULTISIG",
    "CHECKMULTISIG",
  ]) {
    expect(type(bad), bad).toBe("nonstandard");
  }
});

test("infers descriptors by what a script shows", () => {
  const infer = (script: string) => inferDescriptor(parseScript(script), prefixes).split("#")[0];
  expect(infer(`0x21 0x${key} CHECKSIG`)).toBe(`pk(${key})`);
  expect(infer(`0x41 0x${longKey} CHECKSIG`)).toBe(`pk(${longKey})`);
  expect(infer(`0x41 0x${hybridKey} CHECKSIG`), "no hybrid keys").toMatch(/^raw\(/);
  expect(infer(`2 0x21 0x${key} 0x21 0x${oddKey} 2 CHECKMULTISIG`)).toBe(`multi(2,${key},${oddKey})`);
  expect(infer(`1 0x20 0x${"ee".repeat(32)}`)).toBe(`rawtr(${"ee".repeat(32)})`);
  expect(infer(`1 0x20 0x${"00".repeat(31)}05`), "5 is the x of no point").toMatch(/^addr\(bcrt1p/);
  expect(infer("RETURN")).toBe("raw(6a)");
});

test("descriptor checksums are those of BIP380, and some characters have none", () => {
  expect(descriptorChecksum("raw(deadbeef)")).toBe("89f8spxm");
  expect(descriptorChecksum("raw(deadbeee)")).not.toBe("89f8spxm");
  expect(descriptorChecksum("raw(Ü)")).toBeUndefined();
});

test("asm shows hash types only in what is a signature in strict DER", () => {
  const signature =
    "304402203f16c6f40162ab686621ef3000b04e75418a0c0cb2d8aebeac894ae360ac1e780220ddc15ecdfc3507ac48e1681a33eb60996631bf6bf5bc0a0682c4db743ce7ca2b";
  const strict = signature.replace("0220ddc1", "02205dc1");
  const shown = (hex: string) => asm(parseScript(`0x47 0x${hex}`), true);
  expect(shown(`${strict}01`)).toBe(`${strict}[ALL]`);
  expect(shown(`${strict}83`)).toBe(`${strict}[SINGLE|ANYONECANPAY]`);
  expect(shown(`${strict}04`), "an undefined type").toBe(`${strict}04`);
  expect(shown(`${signature}01`), "a negative s").toBe(`${signature}01`);
  expect(asm(parseScript(`0x47 0x${strict}01`)), "only where asked for").toBe(`${strict}01`);
  expect(asm(parseScript(`RETURN 0x47 0x${strict}01`), true)).toBe(`OP_RETURN ${strict}01`);
});

test("asm shows short pushes as numbers, and where a script breaks off", () => {
  expect(asm(parseScript("0 0x01 0x80 0x04 0xffffffff 0x05 0x0102030405 1NEGATE 16 0xba 0xbb"))).toBe(
    "0 0 -2147483647 0102030405 -1 16 OP_CHECKSIGADD OP_UNKNOWN",
  );
  expect(asm(parseScript("1 0x02 0xff"))).toBe("1 [error]");
});
