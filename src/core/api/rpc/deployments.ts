import { blockFlags } from "../../consensus/block-flags.ts";
import { flagNames } from "../../script/flags.ts";
import { bigNumber } from "../format/amount.ts";
import type { ApiDeps, BlockView } from "../ports.ts";
import { TEST_DUMMY, VersionBits } from "../version-bits.ts";
import { getBlockView } from "./find-block.ts";
import type { RpcMethod } from "./method.ts";
import { optional, result } from "./params.ts";

/** "Never": the largest time of 64 bits. */
const NO_TIMEOUT = bigNumber(2n ** 63n - 1n);

export function getdeploymentinfo({ chain, params }: ApiDeps): RpcMethod {
  const versionBits = new VersionBits(TEST_DUMMY);
  const { activation } = params;
  return {
    name: "getdeploymentinfo",
    group: "Blockchain",
    about: "Returns an object containing various state info regarding deployments of consensus changes.",
    params: [optional("blockhash", "hex", "The block hash at which to query deployment state", "hash of current chain tip")],
    results: result("{...}", "(json object)"),
    run(args) {
      const block = getBlockView(chain, args.has(0) ? args.blockHash(0) : chain.tip.hash);
      const buried = (height: number) => ({ type: "buried", active: block.height + 1 >= height, height });
      return {
        hash: block.hash,
        height: block.height,
        script_flags: flagNames(blockFlags(block.height, block.hash, params)).toSorted(),
        deployments: {
          bip34: buried(activation.bip34),
          bip66: buried(activation.bip66),
          bip65: buried(activation.bip65),
          csv: buried(activation.csv),
          segwit: buried(activation.segwit),
          ...(params.name === "regtest" ? { testdummy: signalledJson(versionBits, block) } : {}),
          taproot: alwaysActiveJson(activation.taproot),
        },
      };
    },
  };
}

function signalledJson(versionBits: VersionBits, block: BlockView): Record<string, unknown> {
  const { bit, startTime, periodBlocks, threshold } = versionBits.deployment;
  const status = versionBits.stateAfter(block.prev);
  const next = versionBits.stateAfter(block);
  const isSignalled = status === "started" || status === "locked_in";
  const signals = versionBits.signals(block);
  const count = signals.filter(Boolean).length;
  const statistics = {
    period: periodBlocks,
    elapsed: signals.length,
    count,
    ...(status === "started" ? { threshold, possible: periodBlocks - threshold >= signals.length - count } : {}),
  };
  return {
    type: "bip9",
    ...(next === "active" ? { height: versionBits.sinceAfter(block) } : {}),
    active: next === "active",
    bip9: {
      ...(isSignalled ? { bit } : {}),
      start_time: startTime,
      timeout: NO_TIMEOUT,
      min_activation_height: 0,
      status,
      since: versionBits.sinceAfter(block.prev),
      status_next: next,
      ...(isSignalled ? { statistics, signalling: signals.map((signals) => (signals ? "#" : "-")).join("") } : {}),
    },
  };
}

/** Taproot is told as a deployment that was active from the start. */
function alwaysActiveJson(height: number): Record<string, unknown> {
  const state = {
    start_time: -1,
    timeout: NO_TIMEOUT,
    min_activation_height: 0,
    status: "active",
    since: 0,
    status_next: "active",
  };
  return { type: "bip9", height, active: true, bip9: state };
}
