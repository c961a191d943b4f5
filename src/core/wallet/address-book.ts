import { ChainCoreError } from "../errors.ts";
import { writeFileAtomic } from "../files/atomic-file.ts";
import type { KeyPlace, Keyring } from "./keyring.ts";

/** A script of ours as a Map's key. */
type ScriptKey = string;

/** How many keys of each branch were given out. */
interface Used {
  readonly receive: number;
  readonly change: number;
}

export type AddressBookState = Readonly<Record<string, Used>>;

/** BIP44: addresses looked at behind the last one that was used. */
const GAP = 20;

/**
 * Which keys are in use, and whose script is whose. Scripts of an account are derived when it is first asked about, 20 beyond
 * the last one given out, so that coins are found that another node of the session received for it.
 */
export class AddressBook {
  readonly #keyring: Keyring;
  readonly #path: string | undefined;
  readonly #used = new Map<number, { receive: number; change: number }>();
  readonly #scripts = new Map<number, { readonly script: Uint8Array; readonly place: KeyPlace }[]>();
  readonly #places = new Map<ScriptKey, KeyPlace>();
  #writing: Promise<void> = Promise.resolve();

  /** @param path where the numbers of used keys are kept; undefined forgets them. */
  constructor(keyring: Keyring, path: string | undefined, state: AddressBookState = {}) {
    this.#keyring = keyring;
    this.#path = path;
    for (const [account, { receive, change }] of Object.entries(state)) this.#used.set(Number(account), { receive, change });
  }

  /** Reads what `next` has written. @throws ChainCoreError "bad-wallet-file" */
  static parseState(text: string, path: string): AddressBookState {
    try {
      const state = JSON.parse(text) as { accounts: AddressBookState };
      for (const { receive, change } of Object.values(state.accounts)) {
        if (!Number.isSafeInteger(receive) || !Number.isSafeInteger(change)) throw new TypeError("not a number of keys");
      }
      return state.accounts;
    } catch (cause) {
      throw new ChainCoreError("bad-wallet-file", `${path} is damaged; remove it, and addresses are found again from the chain`, {
        cause,
      });
    }
  }

  /** The first address of an account: where it mines and is paid unless told otherwise. */
  first(account: number): Uint8Array {
    return this.#keyring.script({ account, branch: 0, index: 0 });
  }

  /** A key that nobody was given yet. Durable when this resolves, so that no address is given out twice. */
  async next(account: number, branch: 0 | 1): Promise<{ readonly script: Uint8Array; readonly place: KeyPlace }> {
    const used = this.#usedOf(account);
    // Index 0 is the account's first address, which everybody may know already.
    const index = branch === 0 ? ++used.receive : used.change++;
    this.#scripts.delete(account);
    await this.#save();
    const place = { account, branch, index } as const;
    return { script: this.#keyring.script(place), place };
  }

  /** Every script that coins of an account may have. */
  scripts(account: number): readonly { readonly script: Uint8Array; readonly place: KeyPlace }[] {
    let scripts = this.#scripts.get(account);
    if (scripts === undefined) {
      const { receive, change } = this.#usedOf(account);
      scripts = [...this.#derive(account, 0, receive + 1 + GAP), ...this.#derive(account, 1, change + GAP)];
      this.#scripts.set(account, scripts);
      for (const { script, place } of scripts) this.#places.set(keyOf(script), place);
    }
    return scripts;
  }

  /** A coin was seen at a key: keys before it count as given out, and the gap moves on. @returns whether it did */
  noteUse({ account, branch, index }: KeyPlace): boolean {
    const used = this.#usedOf(account);
    const isNew = branch === 0 ? index > used.receive : index >= used.change;
    if (!isNew) return false;
    if (branch === 0) used.receive = index;
    else used.change = index + 1;
    this.#scripts.delete(account);
    return true;
  }

  /** Whose script it is, among the accounts asked about so far. */
  placeOf(script: Uint8Array): KeyPlace | undefined {
    return this.#places.get(keyOf(script));
  }

  /** Accounts that have given out more than their first address. */
  get accounts(): readonly number[] {
    return [...this.#used.keys()];
  }

  #usedOf(account: number): { receive: number; change: number } {
    let used = this.#used.get(account);
    if (used === undefined) {
      used = { receive: 0, change: 0 };
      this.#used.set(account, used);
    }
    return used;
  }

  #derive(account: number, branch: 0 | 1, count: number) {
    return Array.from({ length: count }, (_, index) => {
      const place: KeyPlace = { account, branch, index };
      return this.#known(place) ?? { script: this.#keyring.script(place), place };
    });
  }

  /** Derived before. */
  #known(place: KeyPlace) {
    const cached = this.#derived.get(`${place.account}/${place.branch}/${place.index}`);
    if (cached !== undefined) return cached;
    const made = { script: this.#keyring.script(place), place };
    this.#derived.set(`${place.account}/${place.branch}/${place.index}`, made);
    return made;
  }

  readonly #derived = new Map<string, { readonly script: Uint8Array; readonly place: KeyPlace }>();

  /** One write at a time, each of the newest state. */
  #save(): Promise<void> {
    if (this.#path === undefined) return Promise.resolve();
    const path = this.#path;
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(() => writeFileAtomic(path, `${JSON.stringify({ accounts: Object.fromEntries(this.#used) })}\n`, { mode: 0o600 }));
    return this.#writing;
  }
}

function keyOf(script: Uint8Array): ScriptKey {
  return Buffer.from(script.buffer, script.byteOffset, script.length).toString("latin1");
}
