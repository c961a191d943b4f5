import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { openSteps, type Step } from "../support/open-chain.ts";
import { hasTestData } from "../support/test-data.ts";
import { CoreNode } from "./core-node.ts";

type Json = Readonly<Record<string, unknown>>;

/** How a step is asked, and which parts of the answer count. */
async function difference(node: CoreNode, step: Step): Promise<string | undefined> {
  const [method, params] = question(step);
  if (method === undefined) return undefined;
  const { result, error } = await node.ask(method, params);
  const wantedError = step.rpc_error ?? null;
  if (!isDeepStrictEqual(error, wantedError)) return `${JSON.stringify(error)}, Core says ${JSON.stringify(wantedError)}`;
  if (error !== null) return undefined;
  const [got, wanted] = await compared(node, step, result);
  return isDeepStrictEqual(got, wanted) ? undefined : `${JSON.stringify(got)}, Core says ${JSON.stringify(wanted)}`;
}

function question(step: Step): [method: string | undefined, params: readonly unknown[]] {
  const params = step.params ?? [];
  switch (step.op) {
    case "setmocktime":
      return [step.op, [step.time]];
    case "testmempoolaccept":
      return [step.op, step.params_raw ?? [step.package ?? [step.hex], ...params]];
    case "sendrawtransaction":
    case "submitblock":
    case "submitheader":
      return [step.op, step.params_raw ?? [step.hex, ...params]];
    case "submitpackage":
      return [step.op, [step.package]];
    case "getblocktemplate":
      return [step.op, params];
    case "getmempoolentry":
      return [step.op, [step.txid]];
    case "getrawmempool":
      return [step.op, []];
    case "getrawmempool_verbose":
      return ["getrawmempool", [true]];
    case "utxo":
      return ["gettxoutsetinfo", ["muhash"]];
    case "chaintips":
      return ["getchaintips", []];
    default:
      return [undefined, []];
  }
}

/** Answer and recording in one form. */
async function compared(node: CoreNode, step: Step, result: unknown): Promise<[unknown, unknown]> {
  switch (step.op) {
    case "testmempoolaccept":
      return step.package ? [result, step.result] : [testAnswer((result as readonly Json[])[0]!), testWanted(step)];
    case "getrawmempool": {
      const { size, bytes, total_fee } = (await node.ask("getmempoolinfo", [])).result as Json;
      const isCounted = step.size !== undefined;
      const counts = isCounted ? { size, bytes, fee: (total_fee as number).toFixed(8) } : {};
      const wanted = isCounted ? { size: step.size, bytes: step.bytes, fee: step.total_fee } : {};
      return [
        { ...counts, txids: (result as string[]).toSorted() },
        { ...wanted, txids: step.txids },
      ];
    }
    case "getblocktemplate":
      return [withoutLongpoll(result), withoutLongpoll(step.result)];
    case "getmempoolentry":
      return [entryFields(result), entryFields(step.result)];
    case "getrawmempool_verbose":
      return [entriesFields(result), entriesFields(step.result)];
    case "utxo":
      return [pick(result, ["muhash", "txouts", "height"]), pick(step, ["muhash", "txouts", "height"])];
    case "chaintips":
      return [sortedTips(result), sortedTips(step.tips)];
    default:
      return [result, step.result ?? null];
  }
}

function testAnswer(answer: Json): unknown {
  const { base } = (answer["fees"] ?? {}) as { base?: number };
  const fee = base === undefined ? undefined : base.toFixed(8);
  return [
    answer["txid"],
    answer["wtxid"],
    answer["allowed"],
    answer["reject-reason"],
    answer["reject-details"],
    answer["vsize"],
    fee,
  ];
}

function testWanted(step: Step): unknown {
  const { txid, wtxid, allowed, reject, reject_details, vsize, fee } = step;
  return [txid, wtxid, allowed, reject ?? undefined, reject_details, allowed ? vsize : undefined, allowed ? fee : undefined];
}

function withoutLongpoll(template: unknown): unknown {
  return template instanceof Object ? { ...template, longpollid: "" } : template;
}

/** The order in depends and spentby is free. */
function entryFields(entry: unknown): unknown {
  const { depends, spentby, ...fields } = entry as { depends: string[]; spentby: string[] };
  return { ...fields, depends: depends.toSorted(), spentby: spentby.toSorted() };
}

function entriesFields(entries: unknown): unknown {
  return Object.fromEntries(Object.entries(entries as Json).map(([txid, entry]) => [txid, entryFields(entry)]));
}

function pick(value: unknown, names: readonly string[]): unknown {
  return names.map((name) => (value as Json)[name]);
}

function sortedTips(tips: unknown): unknown {
  return (tips as Json[]).toSorted(
    (a, b) => (a["height"] as number) - (b["height"] as number) || (String(a["hash"]) < String(b["hash"]) ? -1 : 1),
  );
}

async function replay(node: CoreNode, name: Parameters<typeof openSteps>[0]): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const [index, step] of openSteps(name).entries()) {
    const text = await difference(node, step);
    if (text !== undefined) differences.push(`${name} ${index} ${step.op} ${step.note ?? ""}: ${text.slice(0, 600)}`);
  }
  return differences;
}

test.skipIf(!hasTestData)(
  "a node answers all that Bitcoin Core was asked on open-1: blocks, pool, packages, templates",
  async () => {
    const home = await mkdtemp(join(tmpdir(), "open-chain-"));
    const differences: string[] = [];
    const parts = [
      ["blocks.jsonl.gz", {}],
      ["mempool.jsonl.gz", {}],
      ["mempool-nonstd.jsonl", { requireStandard: false }],
    ] as const;
    try {
      for (const [name, policy] of parts) {
        const node = await CoreNode.start(home, policy);
        differences.push(...(await replay(node, name)));
        await node.stopAndEmptyPool();
      }
    } finally {
      await rm(home, { recursive: true, force: true });
    }
    expect(differences).toEqual([]);
  },
);
