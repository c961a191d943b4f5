import { inspect } from "node:util";
import { HDKey } from "@scure/bip32";
import { mnemonicToSeedSync, validateMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { hash160 } from "../encoding/hash.ts";
import { assert, ChainCoreError } from "../errors.ts";

/** Which key of an account. */
export interface KeyPlace {
  readonly account: number;
  /** BIP44: 0 for addresses that are given out, 1 for change. */
  readonly branch: 0 | 1;
  readonly index: number;
}

/** BIP44's coin type of every test network. */
const COIN_TYPE_TEST = 1;

/**
 * The keys of a session: BIP84 accounts (m/84'/1'/account'/branch/index) of one BIP39 mnemonic. Private keys leave it only
 * through `privateKey`, for signing; printing or serialising a keyring shows none.
 */
export class Keyring {
  readonly #accounts: HDKey;
  readonly #branches = new Map<string, HDKey>();

  private constructor(accounts: HDKey) {
    this.#accounts = accounts;
  }

  /** @throws ChainCoreError "bad-mnemonic" without repeating the words */
  static fromMnemonic(mnemonic: string): Keyring {
    const words = mnemonic.normalize("NFKD").trim().split(/\s+/).join(" ");
    if (!validateMnemonic(words, wordlist)) {
      throw new ChainCoreError(
        "bad-mnemonic",
        "the session's mnemonic is not 12 to 24 English BIP39 words with a right checksum",
      );
    }
    return new Keyring(HDKey.fromMasterSeed(mnemonicToSeedSync(words)).derive(`m/84'/${COIN_TYPE_TEST}'`));
  }

  /** The P2WPKH script of a key: OP_0 and the hash of the public key. */
  script(place: KeyPlace): Uint8Array {
    return Buffer.concat([Uint8Array.of(0, 20), hash160(this.#key(place).publicKey!)]);
  }

  publicKey(place: KeyPlace): Uint8Array {
    return this.#key(place).publicKey!;
  }

  /** 32 bytes; do not keep them. */
  privateKey(place: KeyPlace): Uint8Array {
    const { privateKey } = this.#key(place);
    assert(privateKey, "a keyring made of a mnemonic has private keys");
    return privateKey;
  }

  /** As descriptors write it: "84h/1h/0h/0/5". */
  static path({ account, branch, index }: KeyPlace): string {
    return `84h/${COIN_TYPE_TEST}h/${account}h/${branch}/${index}`;
  }

  #key({ account, branch, index }: KeyPlace): HDKey {
    const name = `${account}/${branch}`;
    let parent = this.#branches.get(name);
    if (parent === undefined) {
      parent = this.#accounts.deriveChild(HARDENED + account).deriveChild(branch);
      this.#branches.set(name, parent);
    }
    return parent.deriveChild(index);
  }

  toJSON(): string {
    return "[Keyring]";
  }

  [inspect.custom](): string {
    return "[Keyring]";
  }
}

/** BIP32: from here on children cannot be derived from public keys. */
const HARDENED = 0x80000000;
