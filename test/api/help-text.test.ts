import { expect, test } from "vitest";
import { GETBLOCK_HELP } from "../../src/core/api/rpc/help/getblock.ts";
import { GETBLOCKTEMPLATE_HELP } from "../../src/core/api/rpc/help/getblocktemplate.ts";
import { SENDRAWTRANSACTION_HELP } from "../../src/core/api/rpc/help/sendrawtransaction.ts";
import { SUBMITBLOCK_HELP } from "../../src/core/api/rpc/help/submitblock.ts";
import { TESTMEMPOOLACCEPT_HELP } from "../../src/core/api/rpc/help/testmempoolaccept.ts";
import { VALIDATEADDRESS_HELP } from "../../src/core/api/rpc/help/validateaddress.ts";
import { helpText } from "../../src/core/api/rpc/help-text.ts";
import type { RpcHelp } from "../../src/core/api/rpc/method.ts";
import { hasTestData, testLines } from "../support/test-data.ts";
import { recordedCalls } from "./recorded.ts";

const HELPS: Readonly<Record<string, RpcHelp>> = {
  getblock: GETBLOCK_HELP,
  getblocktemplate: GETBLOCKTEMPLATE_HELP,
  sendrawtransaction: SENDRAWTRANSACTION_HELP,
  submitblock: SUBMITBLOCK_HELP,
  testmempoolaccept: TESTMEMPOOLACCEPT_HELP,
  validateaddress: VALIDATEADDRESS_HELP,
};

/** Help texts that Bitcoin Core answered to calls without arguments. */
function recordedHelp(): Map<string, string> {
  const found = new Map<string, string>();
  for (const { method, error } of recordedCalls())
    if (error?.code === -1 && error.message.includes("Arguments:")) found.set(method, error.message);
  for (const line of testLines<{ op: string; rpc_error?: { code: number; message: string } | null }>(
    "chains/open-1/mempool.jsonl.gz",
  )) {
    if (line.rpc_error?.message.includes("Arguments:")) found.set(line.op, line.rpc_error.message);
  }
  return found;
}

test.skipIf(!hasTestData)("help texts are laid out as Bitcoin Core's", () => {
  const recorded = recordedHelp();
  for (const [name, help] of Object.entries(HELPS)) {
    expect(helpText({ ...help, name, group: "Util", run: () => null })).toBe(recorded.get(name));
  }
});
