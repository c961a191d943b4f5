import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pinOf } from "../../src/core/peers/certificate.ts";

/* X.509 certificates for tests, made here: a little DER (X.690) around what RFC 5280, 4.1 asks for, signed by node:crypto. */

const DAY_MS = 86_400_000;

export interface CertificateOptions {
  /** Names and addresses that it is for. Default: none, as a pin needs none. */
  readonly names?: readonly string[];
  /** When it ends; in ten days by default. */
  readonly until?: Date;
  readonly from?: Date;
}

/** Signed by its own fresh key (ECDSA, P-256). */
export function selfSigned({ names = [], from, until }: CertificateOptions = {}) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)); // ecdsa-with-SHA256
  const name = sequence(tlv(0x31, sequence(objectId(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from("chaincore test")))));
  const dates = sequence(time(from ?? new Date(Date.now() - DAY_MS)), time(until ?? new Date(Date.now() + 10 * DAY_MS)));
  const serial = tlv(0x02, Buffer.concat([Buffer.of(1), crypto.getRandomValues(Buffer.alloc(8))]));
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))), // Version 3.
    serial,
    algorithm,
    name,
    dates,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    ...(names.length === 0 ? [] : [tlv(0xa3, sequence(subjectNames(names)))]),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.of(0), sign("sha256", body, privateKey)]));
  const cert = pem(sequence(body, algorithm, signature));
  return { cert, key: keyPem(privateKey), pin: pinOf(new X509Certificate(cert)), warning: undefined };
}

/** The two files, as a user has them. */
export class CertificateFiles {
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly pin: string;

  private constructor(folder: string, pin: string) {
    this.folder = folder;
    this.certFile = join(folder, "cert.pem");
    this.keyFile = join(folder, "key.pem");
    this.pin = pin;
  }

  static async write(options?: CertificateOptions): Promise<CertificateFiles> {
    const { cert, key, pin } = selfSigned(options);
    const files = new CertificateFiles(await mkdtemp(join(tmpdir(), "certificate-")), pin);
    await writeFile(files.certFile, cert);
    await writeFile(files.keyFile, key, { mode: 0o600 });
    return files;
  }

  get flags(): readonly string[] {
    return ["--p2p-tls-cert", this.certFile, "--p2p-tls-key", this.keyFile];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The same key, which a passphrase locks. */
export function lockedKey(key: string): string {
  return createPrivateKey(key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" }).toString();
}

const keyPem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();

/** Subject alternative names (RFC 5280, 4.2.1.6). */
function subjectNames(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    isIP(name) === 4 ? tlv(0x87, Buffer.from(name.split(".").map(Number))) : tlv(0x82, Buffer.from(name)),
  );
  return sequence(objectId(0x55, 0x1d, 0x11), tlv(0x04, sequence(...each)));
}

function time(at: Date): Buffer {
  return tlv(0x18, Buffer.from(`${at.toISOString().replaceAll(/[-:T]|\.\d+/g, "")}`)); // GeneralizedTime
}

function objectId(...bytes: readonly number[]): Buffer {
  return tlv(0x06, Buffer.from(bytes));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** Tag, length, value. */
function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
