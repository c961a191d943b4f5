import { bytesToHex } from "../../encoding/hex.ts";
import { ChainCoreError } from "../../errors.ts";
import { decodeAddress } from "../../primitives/address.ts";
import type { Sats } from "../../primitives/units.ts";
import { describeScript } from "../../script/describe-script.ts";
import { amount } from "../format/amount.ts";
import type { Accounts, ApiDeps, OwnedCoin } from "../ports.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** The node's own accounts under the names that a wallet's calls have; only where it has accounts. */
export function walletMethods(deps: ApiDeps): readonly RpcMethod[] {
  const { accounts } = deps;
  if (accounts === undefined) return [];
  return [getnewaddress(accounts), getbalance(accounts), listunspent(deps, accounts), sendtoaddress(deps, accounts)];
}

function getnewaddress(accounts: Accounts): RpcMethod {
  return {
    name: "getnewaddress",
    group: "Wallet",
    about: "Returns a new address for receiving payments.",
    params: [
      optional("label", "string", "The label name for the address to be linked to.", '""'),
      optional("address_type", "string", 'The address type to use; only "bech32" is made.', "bech32"),
    ],
    results: result('"str"', "(string) The new address"),
    async run(args, { at }) {
      const type = args.text(1, "bech32");
      if (type !== "bech32") throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, `Unknown address type '${type}'`);
      return await accounts.newAddress(at, args.text(0, ""));
    },
  };
}

function getbalance(accounts: Accounts): RpcMethod {
  return {
    name: "getbalance",
    group: "Wallet",
    about: "Returns the total available balance: what could be spent now.",
    params: [
      optional("dummy", "string", 'Must be "*" or left out.'),
      optional("minconf", "number", "Only include transactions confirmed at least this many times.", "0"),
    ],
    results: result("n", "(numeric) The total amount received"),
    examples: ["", '"*" 6'],
    async run(args, { at }) {
      if (args.text(0, "*") !== "*") throw new RpcError(-32, 'dummy first argument must be excluded or set to "*".');
      return amount(await accounts.balance(at, args.integer(1, 0)));
    },
  };
}

const CONFIRMATIONS_MAX = 9_999_999;

function listunspent({ params }: ApiDeps, accounts: Accounts): RpcMethod {
  return {
    name: "listunspent",
    group: "Wallet",
    about: "Returns array of unspent transaction outputs with between minconf and maxconf (inclusive) confirmations.",
    params: [
      optional("minconf", "number", "The minimum confirmations to filter", "1"),
      optional("maxconf", "number", "The maximum confirmations to filter", "9999999"),
      optional("addresses", "array", "The addresses to filter", "[]", { shown: '["address",...]' }),
    ],
    results: result("[...]", "(json array)"),
    examples: ["", "6 9999999"],
    async run(args, { at }) {
      const least = args.integer(0, 1);
      const most = args.integer(1, CONFIRMATIONS_MAX);
      const wanted = new Set(args.array(2));
      return (await accounts.coins(at))
        .filter(({ confirmations, isSpendable }) => isSpendable && confirmations >= least && confirmations <= most)
        .filter(({ address }) => wanted.size === 0 || wanted.has(address))
        .map((owned) => coinJson(owned, params));
    },
  };
}

function coinJson(owned: OwnedCoin, { prefixes }: ApiDeps["params"]): Record<string, unknown> {
  return {
    txid: owned.txid,
    vout: owned.vout,
    address: owned.address,
    label: "",
    scriptPubKey: bytesToHex(owned.coin.script),
    amount: amount(owned.coin.value),
    confirmations: owned.confirmations,
    spendable: owned.isSpendable,
    solvable: true,
    desc: describeScript(owned.coin.script, prefixes).desc,
    parent_descs: [],
    safe: true,
  };
}

function sendtoaddress({ params }: ApiDeps, accounts: Accounts): RpcMethod {
  return {
    name: "sendtoaddress",
    group: "Wallet",
    about: "Send an amount to a given address.",
    params: [
      param("address", "string", "The bitcoin address to send to."),
      param("amount", "amount", "The amount in BTC to send. eg 0.1"),
      optional("comment", "string", "Not kept."),
      optional("comment_to", "string", "Not kept."),
      optional("subtractfeefromamount", "boolean", "The fee will be deducted from the amount being sent.", "false"),
    ],
    results: result('"hex"', "(string) The transaction id."),
    examples: ['"address" 0.1'],
    async run(args, { at }) {
      const decoded = decodeAddress(args.text(0), params.prefixes);
      if ("error" in decoded) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, `Invalid Bitcoin address: ${args.text(0)}`);
      const value = args.amount(1);
      if (value === (0 as Sats)) throw new RpcError(RPC.TYPE, "Invalid amount for send");
      return await send(accounts, at, { script: decoded.script, amount: value, subtractsFee: args.boolean(4, false) });
    },
  };
}

async function send(
  accounts: Accounts,
  at: Parameters<Accounts["send"]>[0],
  request: Parameters<Accounts["send"]>[1],
): Promise<string> {
  try {
    return (await accounts.send(at, request)).txid;
  } catch (error) {
    if (!(error instanceof ChainCoreError)) throw error;
    const isShort = error.code === "insufficient-funds";
    throw new RpcError(isShort ? RPC.INSUFFICIENT_FUNDS : RPC.WALLET, isShort ? "Insufficient funds" : error.message);
  }
}
