import type { RpcHelp } from "../method.ts";

/** What `help sendrawtransaction` says. */
export const SENDRAWTRANSACTION_HELP: RpcHelp = {
  about: [
    "Submit a raw transaction (serialized, hex-encoded) to the network.",
    "",
    "If -privatebroadcast is disabled, then the transaction will be put into the",
    "local mempool of the node and will be sent unconditionally to all currently",
    "connected peers, so using sendrawtransaction for manual rebroadcast will degrade",
    "privacy by leaking the transaction's origin, as nodes will normally not",
    "rebroadcast non-wallet transactions already in their mempool.",
    "",
    "If -privatebroadcast is enabled, then the transaction will be sent only via",
    "dedicated, short-lived connections to Tor or I2P peers or IPv4/IPv6 peers",
    "via the Tor network. This conceals the transaction's origin. The transaction",
    "will only enter the local mempool when it is received back from the network.",
    "",
    "A specific exception, RPC_TRANSACTION_ALREADY_IN_UTXO_SET, may throw if the transaction cannot be added to the mempool.",
    "",
    "Related RPCs: createrawtransaction, signrawtransactionwithkey",
  ].join("\n"),
  params: [
    { name: "hexstring", type: "string", about: "The hex string of the raw transaction" },
    {
      name: "maxfeerate",
      type: "amount",
      about: [
        "Reject transactions whose fee rate is higher than the specified value, expressed in BTC/kvB.",
        "Fee rates larger than 1BTC/kvB are rejected.",
        "Set to 0 to accept any fee rate.",
      ].join("\n"),
      optional: true,
      fallback: '"0.10"',
    },
    {
      name: "maxburnamount",
      type: "amount",
      about: [
        "Reject transactions with provably unspendable outputs (e.g. 'datacarrier' outputs that use the OP_RETURN opcode) greater than the specified value, expressed in BTC.",
        "If burning funds through unspendable outputs is desired, increase this value.",
        "This check is based on heuristics and does not guarantee spendability of outputs.",
        "",
      ].join("\n"),
      optional: true,
      fallback: '"0.00"',
    },
  ],
  results: [{ rows: [['"hex"', "(string) The transaction hash in hex"]] }],
  examplesText: [
    "",
    "Create a transaction",
    '> bitcoin-cli createrawtransaction "[{\\"txid\\" : \\"mytxid\\",\\"vout\\":0}]" "{\\"myaddress\\":0.01}"',
    "Sign the transaction, and get back the hex",
    '> bitcoin-cli signrawtransactionwithwallet "myhex"',
    "",
    "Send the transaction (signed hex)",
    '> bitcoin-cli sendrawtransaction "signedhex"',
    "",
    "As a JSON-RPC call",
    '> curl --user myusername --data-binary \'{"jsonrpc": "2.0", "id": "curltest", "method": "sendrawtransaction", "params": ["signedhex"]}\' -H \'content-type: application/json\' http://127.0.0.1:8332/',
    "",
  ].join("\n"),
};
