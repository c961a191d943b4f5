import { createHmac, pbkdf2Sync } from "node:crypto";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { HDKey } from "@scure/bip32";
import { validateMnemonic } from "@scure/bip39";
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

/** Native where the platform has it, JavaScript elsewhere: twenty addresses take 1 ms, by @scure/bip32 alone 100. */
const secp256k1 = createRequire(import.meta.url)("secp256k1") as {
  publicKeyTweakAdd(publicKey: Uint8Array, tweak: Uint8Array, compressed: boolean): Uint8Array;
  privateKeyTweakAdd(privateKey: Uint8Array, tweak: Uint8Array): Uint8Array;
};

/** BIP44's coin type of every test network. */
const COIN_TYPE_TEST = 1;

/**
 * The keys of a session: BIP84 accounts (m/84'/1'/account'/branch/index) of one BIP39 mnemonic. Private keys leave it only
 * through `privateKey`, for signing; printing or serialising a keyring shows none.
 */
export class Keyring {
  readonly #words: string;
  #accounts: HDKey | undefined;
  readonly #branches = new Map<string, HDKey>();

  private constructor(words: string) {
    this.#words = words;
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
    return new Keyring(words);
  }

  /** The P2WPKH script of a key: OP_0 and the hash of the public key. */
  script(place: KeyPlace): Uint8Array {
    return Buffer.concat([Uint8Array.of(0, 20), hash160(this.publicKey(place))]);
  }

  /** Compressed, 33 bytes. */
  publicKey(place: KeyPlace): Uint8Array {
    const { publicKey } = this.#branch(place);
    return secp256k1.publicKeyTweakAdd(publicKey!, this.#tweak(place), true);
  }

  /** 32 bytes; do not keep them. */
  privateKey(place: KeyPlace): Uint8Array {
    const { privateKey } = this.#branch(place);
    assert(privateKey, "a keyring made of a mnemonic has private keys");
    return secp256k1.privateKeyTweakAdd(privateKey.slice(), this.#tweak(place));
  }

  /** As descriptors write it: "84h/1h/0h/0/5". */
  static path({ account, branch, index }: KeyPlace): string {
    return `84h/${COIN_TYPE_TEST}h/${account}h/${branch}/${index}`;
  }

  /** m/84'/1', made when first needed: a tenth of a second that a node need not spend to start. */
  #root(): HDKey {
    if (this.#accounts === undefined) {
      const seed = pbkdf2Sync(this.#words, "mnemonic", 2048, 64, "sha512"); // BIP39 with an empty passphrase.
      this.#accounts = HDKey.fromMasterSeed(seed).derive(`m/84'/${COIN_TYPE_TEST}'`);
    }
    return this.#accounts;
  }

  #branch({ account, branch }: KeyPlace): HDKey {
    const name = `${account}/${branch}`;
    let key = this.#branches.get(name);
    if (key === undefined) {
      key = this.#root()
        .deriveChild(HARDENED + account)
        .deriveChild(branch);
      this.#branches.set(name, key);
    }
    return key;
  }

  /** What BIP32 adds to the branch's key for a child that is not hardened (CKDpub): the left half of an HMAC over key and index. */
  #tweak(place: KeyPlace): Uint8Array {
    const { publicKey, chainCode } = this.#branch(place);
    const index = Buffer.alloc(4);
    index.writeUInt32BE(place.index);
    return createHmac("sha512", chainCode!).update(publicKey!).update(index).digest().subarray(0, 32);
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
