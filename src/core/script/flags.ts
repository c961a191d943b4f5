/**
 * Which rules a script is held to: a bit set, one bit for each of Bitcoin Core's SCRIPT_VERIFY_* names. Every flag only
 * ever forbids more, so what passes under a set of flags passes under each subset of it (P2SH goes with WITNESS, both with
 * CLEANSTACK). Which flags a height has is consensus/ business.
 */
export type ScriptFlags = number;

export const Flag = {
  /** BIP16. */
  P2SH: 1 << 0,
  /** Signatures in strict DER with a defined hash type, keys in a defined form. */
  STRICTENC: 1 << 1,
  /** BIP66. */
  DERSIG: 1 << 2,
  LOW_S: 1 << 3,
  /** BIP147. */
  NULLDUMMY: 1 << 4,
  SIGPUSHONLY: 1 << 5,
  MINIMALDATA: 1 << 6,
  DISCOURAGE_UPGRADABLE_NOPS: 1 << 7,
  CLEANSTACK: 1 << 8,
  /** BIP65. */
  CHECKLOCKTIMEVERIFY: 1 << 9,
  /** BIP112. */
  CHECKSEQUENCEVERIFY: 1 << 10,
  /** BIP141 and BIP143. */
  WITNESS: 1 << 11,
  DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM: 1 << 12,
  MINIMALIF: 1 << 13,
  NULLFAIL: 1 << 14,
  WITNESS_PUBKEYTYPE: 1 << 15,
  CONST_SCRIPTCODE: 1 << 16,
  /** BIP341 and BIP342. */
  TAPROOT: 1 << 17,
  DISCOURAGE_UPGRADABLE_TAPROOT_VERSION: 1 << 18,
  DISCOURAGE_OP_SUCCESS: 1 << 19,
  DISCOURAGE_UPGRADABLE_PUBKEYTYPE: 1 << 20,
} as const;

export type FlagName = keyof typeof Flag;

export const NO_FLAGS: ScriptFlags = 0;

/** What every block since taproot is held to. */
export const MANDATORY_FLAGS: ScriptFlags =
  Flag.P2SH | Flag.DERSIG | Flag.NULLDUMMY | Flag.CHECKLOCKTIMEVERIFY | Flag.CHECKSEQUENCEVERIFY | Flag.WITNESS | Flag.TAPROOT;

/** What a transaction is held to on its way into the pool. */
export const STANDARD_FLAGS: ScriptFlags =
  MANDATORY_FLAGS |
  Flag.STRICTENC |
  Flag.MINIMALDATA |
  Flag.DISCOURAGE_UPGRADABLE_NOPS |
  Flag.CLEANSTACK |
  Flag.MINIMALIF |
  Flag.NULLFAIL |
  Flag.LOW_S |
  Flag.DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM |
  Flag.WITNESS_PUBKEYTYPE |
  Flag.CONST_SCRIPTCODE |
  Flag.DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |
  Flag.DISCOURAGE_OP_SUCCESS |
  Flag.DISCOURAGE_UPGRADABLE_PUBKEYTYPE;

/** The flags of a comma-separated list of names, as Core's vectors write them ("", "NONE" and "P2SH,WITNESS"); undefined for an unknown name. */
export function parseFlags(text: string): ScriptFlags | undefined {
  let flags = NO_FLAGS;
  for (const name of text.split(",")) {
    if (name === "" || name === "NONE") continue;
    if (!Object.hasOwn(Flag, name)) return undefined;
    flags |= Flag[name as FlagName];
  }
  return flags;
}

export function flagNames(flags: ScriptFlags): readonly FlagName[] {
  return (Object.keys(Flag) as FlagName[]).filter((name) => (flags & Flag[name]) !== 0);
}
