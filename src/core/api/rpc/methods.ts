import type { ApiDeps } from "../ports.ts";
import { addressMethods } from "./addresses.ts";
import { getblockstats } from "./block-stats.ts";
import { blockchainMethods } from "./blockchain.ts";
import { blockMethods } from "./blocks.ts";
import { coinMethods } from "./coins.ts";
import { controlMethods } from "./control.ts";
import { createrawtransaction } from "./create-transaction.ts";
import { getdeploymentinfo } from "./deployments.ts";
import { mempoolMethods } from "./mempool.ts";
import type { RpcMethod } from "./method.ts";
import { miningMethods } from "./mining.ts";
import { networkMethods } from "./network.ts";
import { proofMethods } from "./proofs.ts";
import { signedMessageMethods } from "./signed-messages.ts";
import { submitBlockMethods } from "./submit-block.ts";
import { submitpackage } from "./submit-package.ts";
import { submitTransactionMethods } from "./submit-transaction.ts";
import { transactionMethods } from "./transactions.ts";
import { Unbroadcast } from "./unbroadcast.ts";
import { waitingMethods } from "./waiting.ts";
import { walletMethods } from "./wallet.ts";

/** Every method of this node. A part that is absent takes its methods with it. `all` is what `help` lists. */
export function rpcMethods(deps: ApiDeps, all: () => readonly RpcMethod[]): readonly RpcMethod[] {
  const unbroadcast = new Unbroadcast(deps);
  return [
    ...blockchainMethods(deps),
    ...blockMethods(deps),
    getblockstats(deps),
    getdeploymentinfo(deps),
    ...waitingMethods(deps),
    ...proofMethods(deps),
    ...coinMethods(deps),
    ...transactionMethods(deps),
    createrawtransaction(deps),
    ...signedMessageMethods(deps),
    ...submitTransactionMethods(deps, unbroadcast),
    ...(deps.transactions.submitPackage === undefined ? [] : [submitpackage(deps)]),
    ...mempoolMethods(deps, unbroadcast),
    ...submitBlockMethods(deps),
    ...miningMethods(deps),
    ...networkMethods(deps),
    ...addressMethods(deps),
    ...walletMethods(deps),
    ...controlMethods(deps, all),
  ];
}
