import { hexToBytes } from "../encoding/hex.ts";
import type { AddressPrefixes } from "../primitives/address.ts";
import { type BlockHash, COIN, type Sats } from "../primitives/units.ts";
import { Flag, NO_FLAGS, type ScriptFlags } from "../script/flags.ts";
import { FUTURE_SECONDS_MAX } from "./limits.ts";

/** How the required difficulty follows the times of blocks; difficulty.ts says how. */
export type Retarget =
  | { readonly kind: "none" }
  | { readonly kind: "period"; readonly intervalBlocks: number }
  | { readonly kind: "relative-exponential"; readonly halfLifeSeconds: number };

/** The first height at which a rule holds; 0 is genesis. */
export interface Activation {
  readonly bip34: number;
  readonly bip65: number;
  readonly bip66: number;
  /** BIP68, 112 and 113. */
  readonly csv: number;
  readonly segwit: number;
  readonly taproot: number;
}

/** Everything in which one network's rules differ from another's. */
export interface NetworkParams {
  /** As `getblockchaininfo` names the chain: "regtest", "main". */
  readonly name: string;
  /** Four bytes in front of every block in a block file. */
  readonly magic: Uint8Array;
  /** The raw first block, valid by decree. Its outputs are no coins. */
  readonly genesis: Uint8Array;
  /** The easiest target that is allowed. */
  readonly powLimitBits: number;
  readonly targetSpacingSeconds: number;
  readonly retarget: Retarget;
  /** How far a block's time may lie ahead of the clock. */
  readonly futureSecondsMax: number;
  readonly firstSubsidy: Sats;
  readonly halvingInterval: number;
  /** Blocks on top, its own included, before a coinbase may be spent. */
  readonly coinbaseMaturity: number;
  readonly activation: Activation;
  /** BIP94: the first block of a difficulty period may not lie far before its parent. */
  readonly enforceTimewarpRule: boolean;
  /** Blocks that were mined before a rule was known: their flags instead of the usual base. */
  readonly flagExceptions: ReadonlyMap<BlockHash, ScriptFlags>;
  /** The block at height `activation.bip34` behind which BIP30 cannot be broken; undefined: BIP30 is always checked. */
  readonly bip34Hash: BlockHash | undefined;
  /** Blocks that were let through although they break BIP30. */
  readonly bip30Exceptions: ReadonlySet<BlockHash>;
  readonly prefixes: AddressPrefixes;
}

/** The first coinbase of Bitcoin, on main as on regtest. */
const GENESIS_TRANSACTION =
  "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32" +
  "303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a0100000043410467" +
  "8afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";

/** Version 1, no parent, the merkle root of that one transaction, then time, bits and nonce as they stand in the header. */
function genesisBlock(timeBitsNonce: string): Uint8Array {
  const merkleRoot = "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a";
  return hexToBytes(`01000000${"00".repeat(32)}${merkleRoot}${timeBitsNonce}01${GENESIS_TRANSACTION}`);
}

/** Bitcoin Core 31.1's regtest, to the byte. */
export const REGTEST: NetworkParams = {
  name: "regtest",
  magic: Uint8Array.of(0xfa, 0xbf, 0xb5, 0xda),
  genesis: genesisBlock("dae5494dffff7f2002000000"),
  powLimitBits: 0x207fffff,
  targetSpacingSeconds: 600,
  retarget: { kind: "none" },
  futureSecondsMax: FUTURE_SECONDS_MAX,
  firstSubsidy: (50 * COIN) as Sats,
  halvingInterval: 150,
  coinbaseMaturity: 100,
  activation: { bip34: 1, bip65: 1, bip66: 1, csv: 1, segwit: 0, taproot: 0 },
  enforceTimewarpRule: false,
  flagExceptions: new Map(),
  bip34Hash: undefined,
  bip30Exceptions: new Set(),
  prefixes: { bech32: "bcrt", publicKeyHash: 111, scriptHash: 196, secretKey: 239 },
};

/** Bitcoin itself: for vectors and real blocks; ChainCore does not join that network. */
export const MAINNET: NetworkParams = {
  name: "main",
  magic: Uint8Array.of(0xf9, 0xbe, 0xb4, 0xd9),
  genesis: genesisBlock("29ab5f49ffff001d1dac2b7c"),
  powLimitBits: 0x1d00ffff,
  targetSpacingSeconds: 600,
  retarget: { kind: "period", intervalBlocks: 2016 },
  futureSecondsMax: FUTURE_SECONDS_MAX,
  firstSubsidy: (50 * COIN) as Sats,
  halvingInterval: 210_000,
  coinbaseMaturity: 100,
  activation: { bip34: 227_931, bip65: 388_381, bip66: 363_725, csv: 419_328, segwit: 481_824, taproot: 709_632 },
  enforceTimewarpRule: false,
  flagExceptions: new Map([
    // One transaction in each does not hold to BIP16 or to taproot.
    ["00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22" as BlockHash, NO_FLAGS],
    ["0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad" as BlockHash, Flag.P2SH | Flag.WITNESS],
  ]),
  bip34Hash: "000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8" as BlockHash,
  bip30Exceptions: new Set([
    "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec" as BlockHash,
    "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721" as BlockHash,
  ]),
  prefixes: { bech32: "bc", publicKeyHash: 0, scriptHash: 5, secretKey: 128 },
};
