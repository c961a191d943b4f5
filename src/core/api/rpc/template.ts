import { type BlockTemplateAnswer, blockTemplateAnswer } from "../../mining/block-template-answer.ts";
import type { BlockTemplate } from "../../mining/template.ts";
import type { ApiDeps, BlockView, Mining } from "../ports.ts";
import { TEST_DUMMY, VersionBits } from "../version-bits.ts";
import { jsonType, typed } from "./args.ts";
import { GETBLOCKTEMPLATE_HELP } from "./help/getblocktemplate.ts";
import type { Call, RpcMethod } from "./method.ts";
import { RPC, RpcError } from "./rpc-error.ts";
import { decodeBlock } from "./submit-block.ts";

type Request = Readonly<Record<string, unknown>>;

/** What stock mining software asks for (BIP22, 23, 145). */
export function getblocktemplate(deps: ApiDeps, mining: Mining): RpcMethod {
  const versionBits = deps.params.name === "regtest" ? new VersionBits(TEST_DUMMY) : undefined;
  const signalling = ({ prevHash }: BlockTemplate) =>
    versionBits === undefined ? {} : signalled(versionBits, deps.chain.find(prevHash)!);
  return {
    ...GETBLOCKTEMPLATE_HELP,
    name: "getblocktemplate",
    group: "Mining",
    async run(args, call) {
      const request = args.object(0);
      const mode = request["mode"];
      if (mode !== undefined && mode !== null && typeof mode !== "string")
        throw new RpcError(RPC.INVALID_PARAMETER, "Invalid mode");
      if (mode === "proposal") return await propose(deps, request, call);
      if (mode !== undefined && mode !== null && mode !== "template") throw new RpcError(RPC.INVALID_PARAMETER, "Invalid mode");
      const { longpollid } = request;
      if (jsonType(longpollid) === "string") await templateChange(deps, longpollid as string, call.signal);
      checkRules(request);
      const template = await mining.template(call.at);
      return { ...blockTemplateAnswer(template, { poolSequence: deps.pool.sequence }), ...signalling(template) };
    },
  };
}

/** What the version of the next block should say, and what it may (BIP9). */
function signalled(versionBits: VersionBits, parent: BlockView): Partial<BlockTemplateAnswer> {
  const state = versionBits.stateAfter(parent);
  const { bit } = versionBits.deployment;
  return {
    version: versionBits.versionAfter(parent),
    ...(state === "active" ? { rules: ["csv", "!segwit", "taproot", "testdummy"] } : {}),
    vbavailable: state === "started" || state === "locked_in" ? { testdummy: bit } : {},
  };
}

/** A changed pool alone ends a long-poll after this: its caller need not come back for each transaction. Core waits a minute. */
const POOL_CHANGE_MS = 1_000;
/** The template's parent, then the pool's sequence. */
const LONG_POLL_ID = /^([0-9a-f]{64})(\d+)$/;

/** Resolves when a template made now would differ from the one that `id` names, or when the caller leaves. */
async function templateChange({ chain, pool, events }: ApiDeps, id: string, signal: AbortSignal): Promise<void> {
  const [, parent, sequence] = LONG_POLL_ID.exec(id) ?? [];
  if (parent === undefined) throw new RpcError(RPC.INVALID_PARAMETER, "Invalid longpollid");
  const { promise, resolve } = Promise.withResolvers<void>();
  let isPatient = true;
  const look = (): boolean => {
    if (chain.tip.hash !== parent || (!isPatient && pool.sequence !== Number(sequence))) resolve();
    return true;
  };
  const timer = setTimeout(() => {
    isPatient = false;
    look();
  }, POOL_CHANGE_MS);
  const leave = events.follow(events.sequence, look);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  look();
  await promise;
  leave();
  clearTimeout(timer);
}

function checkRules(request: Request): void {
  const rules = request["rules"];
  if (Array.isArray(rules) && rules.map((rule) => typed(rule, "string")).includes("segwit")) return;
  const message = 'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})';
  throw new RpcError(RPC.INVALID_PARAMETER, message);
}

/** Would this block, but for its proof of work, be good? */
async function propose({ chain, blocks }: ApiDeps, request: Request, { at }: Call): Promise<string | null> {
  const { data } = request;
  if (typeof data !== "string") throw new RpcError(RPC.TYPE, "Missing data String key for proposal");
  const block = decodeBlock(data);
  const known = chain.find(block.hash);
  if (known !== undefined)
    return known.isInvalid ? "duplicate-invalid" : known.size === undefined ? "duplicate-inconclusive" : "duplicate";
  const verdict = await blocks.checkCandidate(at, block);
  return verdict === undefined ? null : verdict.code;
}
