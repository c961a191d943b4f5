import type { ApiDeps, TipView } from "../ports.ts";
import type { Call, RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Calls that answer when the tip is what they wait for, or when their time is up: then with the tip as it is. */
export function waitingMethods(deps: ApiDeps): readonly RpcMethod[] {
  const { chain } = deps;
  const timeout = optional("timeout", "number", "Time in milliseconds to wait for a response. 0 indicates no timeout.", "0");
  const common = { group: "Blockchain", results: result("{...}", "(json object)") } as const;
  return [
    {
      ...common,
      name: "waitfornewblock",
      about: "Waits for any new block and returns useful info about it.",
      params: [
        timeout,
        optional("current_tip", "hex", "Method waits for the chain tip to differ from this.", "the tip when the call is made"),
      ],
      examples: ["1000"],
      run(args, call) {
        const known = args.has(1) ? args.blockHash(1, "current_tip") : chain.tip.hash;
        return waitForTip(deps, call, args.integer(0, 0), (tip) => tip.hash !== known);
      },
    },
    {
      ...common,
      name: "waitforblock",
      about: "Waits for a specific block as tip and returns useful info about it.",
      params: [param("blockhash", "hex", "Block hash to wait for."), timeout],
      run(args, call) {
        const wanted = args.blockHash(0);
        return waitForTip(deps, call, args.integer(1, 0), (tip) => tip.hash === wanted);
      },
    },
    {
      ...common,
      name: "waitforblockheight",
      about: "Waits for (at least) block height and returns the height and hash of the current tip.",
      params: [param("height", "number", "Block height to wait for."), timeout],
      examples: ["100 1000"],
      run(args, call) {
        const height = args.integer(0);
        return waitForTip(deps, call, args.integer(1, 0), (tip) => tip.height >= height);
      },
    },
  ];
}

async function waitForTip({ chain, events }: ApiDeps, { signal }: Call, timeoutMs: number, isWanted: (tip: TipView) => boolean) {
  if (timeoutMs < 0) throw new RpcError(RPC.MISC, "Negative timeout");
  if (!isWanted(chain.tip)) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = timeoutMs === 0 ? undefined : setTimeout(resolve, timeoutMs);
    const leave = events.follow(events.sequence, () => {
      if (isWanted(chain.tip)) resolve();
      return true;
    });
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await promise;
    leave();
    clearTimeout(timer);
  }
  return { hash: chain.tip.hash, height: chain.tip.height };
}
