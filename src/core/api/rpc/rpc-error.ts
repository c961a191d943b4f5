/** Bitcoin Core's RPC error codes (rpc/protocol.h); clients match on the numbers. */
export const RPC = {
  MISC: -1,
  TYPE: -3,
  /** Anything about the wallet that has no code of its own. */
  WALLET: -4,
  UNKNOWN_ADDRESS_OR_KEY: -5,
  INSUFFICIENT_FUNDS: -6,
  OUT_OF_MEMORY: -7,
  INVALID_PARAMETER: -8,
  NOT_CONNECTED: -9,
  DESERIALIZATION: -22,
  NODE_ALREADY_ADDED: -23,
  NODE_NOT_ADDED: -24,
  NODE_NOT_CONNECTED: -29,
  INVALID_IP_OR_SUBNET: -30,
  VERIFY_ERROR: -25,
  VERIFY_REJECTED: -26,
  VERIFY_ALREADY_IN_UTXO_SET: -27,
  IN_WARMUP: -28,
  METHOD_NOT_FOUND: -32601,
  INVALID_REQUEST: -32600,
  PARSE: -32700,
} as const;

/** What a call answers instead of a result. An answer, not a failure of ours: it has no stack worth reading. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
