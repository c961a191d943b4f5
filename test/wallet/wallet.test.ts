import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { HDKey } from "@scure/bip32";
import { mnemonicToSeedSync } from "@scure/bip39";
import { expect, test } from "vitest";
import { bytesToHex } from "../../src/core/encoding/hex.ts";
import { addressOfScript } from "../../src/core/primitives/address.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { outpointBytes, outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Height, Sats, Txid } from "../../src/core/primitives/units.ts";
import { STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import { createVerifier } from "../../src/core/verify/verifier.ts";
import { Keyring } from "../../src/core/wallet/keyring.ts";
import { Wallet, type WalletChain } from "../../src/core/wallet/wallet.ts";

const MNEMONIC = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const TESTNET = { bech32: "tb", publicKeyHash: 111, scriptHash: 196, secretKey: 239 };

/** A chain of made-up coins. */
class FakeChain implements WalletChain {
  height = 200;
  readonly coinbaseMaturity = 100;
  readonly confirmed: { outpoint: Uint8Array; coin: Coin }[] = [];
  readonly pool: Transaction[] = [];

  give(script: Uint8Array, value: number, height = 150, isCoinbase = false): void {
    const txid = (this.confirmed.length + 1).toString(16).padStart(64, "0") as Txid;
    const coin = { value: value as Sats, script, height: height as Height, isCoinbase };
    this.confirmed.push({ outpoint: outpointBytes(txid, 0), coin });
  }
  coinsOf(script: Uint8Array) {
    const own = this.confirmed.filter(({ coin }) => Buffer.compare(coin.script, script) === 0);
    return own.map(({ outpoint, coin }) => [outpoint, coin] as const);
  }
  pooled() {
    return this.pool;
  }
  spenderOf(key: string) {
    return this.pool.find((tx) => tx.inputs.some((_, i) => tx.prevoutKey(i) === key))?.txid;
  }
}

async function withWallet<R>(use: (wallet: Wallet, path: string) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), "wallet-"));
  try {
    const path = join(folder, "wallet.json");
    return await use(await Wallet.open(MNEMONIC, path), path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("addresses are those that other BIP84 wallets derive", async () => {
  await withWallet(async (wallet) => {
    // What Electrum, Sparrow and others show for this mnemonic on test networks.
    expect(addressOfScript(wallet.firstScript(0), TESTNET)).toBe("tb1q6rz28mcfaxtmd6v789l9rrlrusdprr9pqcpvkl");
  });
});

test("keys are those of @scure/bip32 along the whole path", () => {
  const keyring = Keyring.fromMnemonic(MNEMONIC);
  const root = HDKey.fromMasterSeed(mnemonicToSeedSync(MNEMONIC));
  for (const place of [
    { account: 0, branch: 0, index: 0 },
    { account: 3, branch: 1, index: 41 },
    { account: 9, branch: 0, index: 2 ** 31 - 1 },
  ] as const) {
    const key = root.derive(`m/84'/1'/${place.account}'/${place.branch}/${place.index}`);
    expect(bytesToHex(keyring.publicKey(place))).toBe(bytesToHex(key.publicKey!));
    expect(bytesToHex(keyring.privateKey(place))).toBe(bytesToHex(key.privateKey!));
    expect(bytesToHex(keyring.privateKey(place))).toBe(bytesToHex(key.privateKey!)); // Deriving changes no parent.
  }
});

test("a mnemonic with a wrong checksum is refused without being repeated", () => {
  const words = MNEMONIC.replace("about", "abandon");
  expect(() => Keyring.fromMnemonic(words)).toThrow(/not 12 to 24 English BIP39 words/);
  expect(() => Keyring.fromMnemonic(words)).not.toThrow(/abandon/);
});

test("printing a keyring or a wallet shows no key and no word", () => {
  const keyring = Keyring.fromMnemonic(MNEMONIC);
  keyring.script({ account: 0, branch: 0, index: 0 });
  const secret = bytesToHex(keyring.privateKey({ account: 0, branch: 0, index: 0 }));
  const text = `${inspect(keyring, { depth: 10, showHidden: true })} ${JSON.stringify({ keyring })}`;
  expect(text).not.toContain(secret);
  expect(text).toContain("[Keyring]");
});

test("a payment verifies, pays what it says, and its coins are not chosen twice until it is released", async () => {
  await withWallet(async (wallet) => {
    const chain = new FakeChain();
    const script = wallet.firstScript(0);
    chain.give(script, 60_000_000);
    chain.give(script, 50_000_000);
    chain.give(script, 5_000_000_000, 190, true);
    const target = wallet.firstScript(7);
    expect(wallet.balance(0, chain)).toEqual({ spendable: 110_000_000, immature: 5_000_000_000, pending: 0 });
    const request = { account: 0, script: target, amount: 40_000_000 as Sats, feeRate: 1000 };
    const first = await wallet.pay(request, chain);
    const second = await wallet.pay(request, chain);
    await expect(wallet.pay(request, chain)).rejects.toThrow(
      /has 0.00 coins to spend, 0.40 and a fee are needed; 50.00 more mature later/,
    );
    const scripts = createVerifier({ workers: 0 });
    for (const { transaction: tx, fee } of [first, second]) {
      const spent = tx.inputs.map((_, i) => {
        const at = tx.prevoutOffset(i);
        return chain.confirmed.find(({ outpoint }) => outpointKeyAt(outpoint, 0) === outpointKeyAt(tx.raw, at))!.coin;
      });
      expect(await scripts.verify([{ tx, spent, flags: STANDARD_FLAGS }])).toEqual([undefined]);
      expect([bytesToHex(tx.outputScript(0)), tx.value(0)]).toEqual([bytesToHex(target), 40_000_000]);
      const paid = spent.reduce((sum, { value }) => sum + value, 0) - tx.outputs.reduce((sum, { value }) => sum + value, 0);
      expect(paid).toBe(fee);
      expect(fee).toBeGreaterThanOrEqual(tx.vsize);
    }
    await scripts.close();
    second.release();
    chain.pool.push(first.transaction);
    first.release();
    const change = first.transaction.outputs[1]!.value;
    expect(wallet.balance(0, chain).spendable).toBe(50_000_000 + change);
    expect(wallet.balance(7, chain).pending).toBe(40_000_000);
  });
});

test("addresses are given out once, also after a restart, in a file that only we may read", async () => {
  await withWallet(async (wallet, path) => {
    const given = [await wallet.newScript(3), await wallet.newScript(3)].map(bytesToHex);
    expect(new Set([...given, bytesToHex(wallet.firstScript(3))]).size).toBe(3);
    const again = await Wallet.open(MNEMONIC, path);
    expect(given).not.toContain(bytesToHex(await again.newScript(3)));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).not.toContain("abandon");
  });
});

test("coins at an address that another node gave out are found up to twenty addresses on", async () => {
  await withWallet(async (wallet) => {
    const keyring = Keyring.fromMnemonic(MNEMONIC);
    const chain = new FakeChain();
    chain.give(keyring.script({ account: 0, branch: 0, index: 20 }), 1000);
    chain.give(keyring.script({ account: 0, branch: 0, index: 40 }), 200);
    chain.give(keyring.script({ account: 0, branch: 0, index: 61 }), 30);
    expect(wallet.balance(0, chain).spendable).toBe(1200);
  });
});
