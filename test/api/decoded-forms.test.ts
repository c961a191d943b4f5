import { expect, test } from "vitest";
import { transactionJson } from "../../src/core/api/format/transaction-json.ts";
import { decodeTransaction } from "../../src/core/api/rpc/transactions.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { decodeScript } from "../../src/core/script/describe-script.ts";
import { hasTestData } from "../support/test-data.ts";
import { recordedCalls } from "./recorded.ts";

const { prefixes } = REGTEST;
const FORMS: Readonly<Record<string, (hex: string) => unknown>> = {
  decodescript: (hex) => decodeScript(hexToBytes(hex), prefixes),
  decoderawtransaction: (hex) => transactionJson(decodeTransaction(hex)!, { prefixes, omitsHex: true }),
};

test.skipIf(!hasTestData).each(Object.keys(FORMS))("%s tells what Bitcoin Core tells, letter for letter", (name) => {
  const calls = recordedCalls().filter(({ method, error }) => method === name && error === null);
  expect(calls.length).toBeGreaterThan(10);
  for (const { recorded, params } of calls) {
    const { id } = JSON.parse(recorded.request.body) as { id: number };
    const text = JSON.stringify({ result: FORMS[name]!(params[0] as string), error: null, id });
    expect(`${text}\n`, `request ${recorded.n}`).toBe(recorded.response.body);
  }
});
