import type { RpcHelp } from "../method.ts";

/** What `help signmessagewithprivkey` says. */
export const SIGNMESSAGEWITHPRIVKEY_HELP: RpcHelp = {
  about: "Sign a message with the private key of an address",
  params: [
    { name: "privkey", type: "string", about: "The private key to sign the message with." },
    { name: "message", type: "string", about: "The message to create a signature of." },
  ],
  results: [{ rows: [['"str"', "(string) The signature of the message encoded in base 64"]] }],
  examplesText: [
    "",
    "Create the signature",
    '> bitcoin-cli signmessagewithprivkey "privkey" "my message"',
    "",
    "Verify the signature",
    '> bitcoin-cli verifymessage "1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX" "signature" "my message"',
    "",
    "As a JSON-RPC call",
    '> curl --user myusername --data-binary \'{"jsonrpc": "2.0", "id": "curltest", "method": "signmessagewithprivkey", "params": ["privkey", "my message"]}\' -H \'content-type: application/json\' http://127.0.0.1:8332/',
    "",
  ].join("\n"),
};
