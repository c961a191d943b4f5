import { sha256 } from "../encoding/hash.ts";
import { hexToBytes } from "../encoding/hex.ts";
import { ChainCoreError } from "../errors.ts";
import type { AddressPrefixes } from "../primitives/address.ts";
import { bitsToTarget } from "../primitives/target.ts";
import { COIN, type Sats, type UnixSeconds } from "../primitives/units.ts";
import { buildGenesis } from "./genesis.ts";
import { FUTURE_SECONDS_MAX } from "./limits.ts";
import type { NetworkParams, Retarget } from "./params.ts";
import { totalSupply } from "./subsidy.ts";

/** A chain spec that says something impossible; `detail.field` names the place. */
export class ChainSpecError extends ChainCoreError {
  constructor(field: string, problem: string) {
    super("chain-spec", `chain spec: ${field} ${problem}`, { detail: { field } });
  }
}

/*
 * The JSON of a private network, all of it checked before any of it is used:
 *
 *   { "name": "lab", "genesis": { "message": "the lab opens", "time": 1700000000, "nonce": 7 }, "bits": "1f00ffff",
 *     "targetSpacingSeconds": 15, "retarget": "relative-exponential", "subsidy": 5000000000, "halvingInterval": 150,
 *     "coinbaseMaturity": 100, "magic": "aabbccdd",
 *     "prefixes": { "bech32": "lab", "publicKeyHash": 111, "scriptHash": 196, "secretKey": 239 } }
 *
 * May be left out: genesis.nonce (it is searched), powLimit (207fffff), retarget (relative-exponential), subsidy (50
 * coins), coinbaseMaturity (100), magic (from the genesis hash), prefixes but for bech32 (regtest's).
 * Every rule of Bitcoin holds from the first block, as on regtest.
 */
const FIELDS = [
  "name",
  "genesis",
  "bits",
  "powLimit",
  "targetSpacingSeconds",
  "retarget",
  "subsidy",
  "halvingInterval",
  "coinbaseMaturity",
  "magic",
  "prefixes",
];

/** Half-life of a private network's difficulty, in target spacings (design: the pace follows a change of hash rate within some twenty blocks). */
const HALF_LIFE_SPACINGS = 20;
const POW_LIMIT_BITS = 0x207fffff;
const RETARGET_INTERVAL_BLOCKS = 2016;

/**
 * The rules of a private network from its parsed JSON.
 * @throws ChainSpecError naming the field; one that asks for more money than a number holds exactly is refused.
 */
export function readChainSpec(json: unknown): NetworkParams {
  const spec = record("the spec", json, FIELDS);
  const name = text("name", spec["name"], /^[a-z][a-z0-9-]{0,31}$/);
  if (["main", "test", "testnet4", "signet", "regtest"].includes(name)) {
    throw new ChainSpecError("name", `is "${name}", which is a public network's; choose another`);
  }
  const powLimitBits = targetBits("powLimit", spec["powLimit"] ?? POW_LIMIT_BITS.toString(16));
  const bits = targetBits("bits", spec["bits"], powLimitBits);
  const targetSpacingSeconds = whole("targetSpacingSeconds", spec["targetSpacingSeconds"], 1, 86_400);
  const money = readMoney(spec);
  const genesis = readGenesis(spec["genesis"], bits, money.firstSubsidy);
  return {
    name,
    magic: readMagic(spec["magic"], genesis),
    genesis,
    powLimitBits,
    targetSpacingSeconds,
    retarget: readRetarget(spec["retarget"] ?? "relative-exponential", targetSpacingSeconds),
    futureSecondsMax: Math.min(FUTURE_SECONDS_MAX, targetSpacingSeconds),
    ...money,
    coinbaseMaturity: whole("coinbaseMaturity", spec["coinbaseMaturity"] ?? 100, 1, 100_000),
    activation: { bip34: 1, bip65: 1, bip66: 1, csv: 1, segwit: 0, taproot: 0 },
    enforceTimewarpRule: false,
    flagExceptions: new Map(),
    bip34Hash: undefined,
    bip30Exceptions: new Set(),
    prefixes: readPrefixes(spec["prefixes"]),
  };
}

function readMoney(spec: Record<string, unknown>): { firstSubsidy: Sats; halvingInterval: number } {
  const firstSubsidy = whole("subsidy", spec["subsidy"] ?? 50 * COIN, 0, Number.MAX_SAFE_INTEGER) as Sats;
  const halvingInterval = whole("halvingInterval", spec["halvingInterval"], 1, 0x7fffffff);
  const supply = totalSupply({ firstSubsidy, halvingInterval });
  if (supply > BigInt(Number.MAX_SAFE_INTEGER)) {
    const limit = `${Number.MAX_SAFE_INTEGER} satoshis (2^53 - 1)`;
    throw new ChainSpecError(
      "halvingInterval",
      `and subsidy make ${supply} satoshis in all, more than ${limit}; lower one of them`,
    );
  }
  return { firstSubsidy, halvingInterval };
}

function readGenesis(value: unknown, bits: number, subsidy: Sats): Uint8Array {
  const spec = record("genesis", value, ["message", "time", "nonce"]);
  const message = spec["message"];
  if (typeof message !== "string" || message === "" || Buffer.byteLength(message) > 90) {
    throw new ChainSpecError("genesis.message", "must be a text of 1 to 90 bytes: it is written into the first coinbase");
  }
  const time = whole("genesis.time", spec["time"], 1, 0xffffffff) as UnixSeconds;
  const nonce = spec["nonce"] === undefined ? undefined : whole("genesis.nonce", spec["nonce"], 0, 0xffffffff);
  const built = buildGenesis({ message, time, bits, nonce, subsidy });
  if (built.kind === "found") return built.block;
  throw built.kind === "wrong-nonce"
    ? new ChainSpecError("genesis.nonce", `is ${nonce}, with which the first block's hash does not meet ${bits.toString(16)}`)
    : new ChainSpecError(
        "genesis.nonce",
        `is missing, and ${bits.toString(16)} takes too many hashes to search it here; give it`,
      );
}

function readRetarget(value: unknown, targetSpacingSeconds: number): Retarget {
  switch (value) {
    case "none":
      return { kind: "none" };
    case "period":
      return { kind: "period", intervalBlocks: RETARGET_INTERVAL_BLOCKS };
    case "relative-exponential":
      return { kind: "relative-exponential", halfLifeSeconds: HALF_LIFE_SPACINGS * targetSpacingSeconds };
    default:
      throw new ChainSpecError("retarget", `must be "none", "period" or "relative-exponential", not ${JSON.stringify(value)}`);
  }
}

function readMagic(value: unknown, genesis: Uint8Array): Uint8Array {
  if (value === undefined) return sha256(genesis.subarray(0, 80)).slice(0, 4);
  return hexToBytes(text("magic", value, /^[0-9a-f]{8}$/));
}

function readPrefixes(value: unknown): AddressPrefixes {
  const spec = record("prefixes", value, ["bech32", "publicKeyHash", "scriptHash", "secretKey"]);
  const byte = (field: string, usual: number) => whole(`prefixes.${field}`, spec[field] ?? usual, 0, 255);
  const prefixes = {
    bech32: text("prefixes.bech32", spec["bech32"], /^[a-z]{1,20}$/),
    publicKeyHash: byte("publicKeyHash", 111),
    scriptHash: byte("scriptHash", 196),
    secretKey: byte("secretKey", 239),
  };
  if (prefixes.publicKeyHash === prefixes.scriptHash) {
    throw new ChainSpecError("prefixes.scriptHash", "equals prefixes.publicKeyHash: addresses could not be told apart");
  }
  return prefixes;
}

function targetBits(field: string, value: unknown, limit?: number): number {
  const digits = text(field, value, /^[0-9a-f]{8}$/);
  const bits = Number.parseInt(digits, 16);
  const { target, negative, overflow } = bitsToTarget(bits);
  if (negative || overflow || target === 0n) throw new ChainSpecError(field, `is ${digits}, which is no target`);
  if (limit !== undefined && target > bitsToTarget(limit).target) throw new ChainSpecError(field, `is easier than powLimit`);
  return bits;
}

function record(field: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ChainSpecError(field, value === undefined ? "is missing" : "must be an object");
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new ChainSpecError(field, `has an unknown field "${unknown}"; known are ${known.join(", ")}`);
  return value as Record<string, unknown>;
}

function text(field: string, value: unknown, form: RegExp): string {
  if (typeof value === "string" && form.test(value)) return value;
  throw new ChainSpecError(
    field,
    value === undefined ? "is missing" : `must match ${form.source}, it is ${JSON.stringify(value)}`,
  );
}

function whole(field: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  const problem = value === undefined ? "is missing" : `is ${JSON.stringify(value)}`;
  throw new ChainSpecError(field, `${problem}; a whole number from ${min} to ${max} is needed`);
}
