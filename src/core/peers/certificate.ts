import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { ChainCoreError } from "../errors.ts";

/** What a peer port proves itself with: whoever holds the key, and nobody else, can answer under this pin. */
export interface PeerCertificate {
  /** PEM, with the chain behind it if there is one. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate's DER form, 64 hex digits; `openssl x509 -noout -fingerprint -sha256` shows the same. */
  readonly pin: string;
  /** A sentence about its dates; undefined when it is valid now. */
  readonly warning: string | undefined;
}

/** Both ends are nodes of ours, or a proxy in front of one: nobody needs an older version. */
export const TLS_VERSION_MIN = "TLSv1.3" as const;

/**
 * Reads and checks both files.
 * @throws ChainCoreError tls-files-needed when one of the two is missing, bad-certificate with what is wrong
 */
export async function readCertificate(
  { certFile, keyFile }: { readonly certFile: string | undefined; readonly keyFile: string | undefined },
  nowMs: number,
): Promise<PeerCertificate | undefined> {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const message = "--p2p-tls-cert and --p2p-tls-key belong together: give both files, or none for plain http";
    throw new ChainCoreError("tls-files-needed", message);
  }
  const cert = await read(certFile, "certificate");
  const key = await read(keyFile, "key");
  const parsed = parseCertificate(cert, certFile);
  if (!parsed.checkPrivateKey(parseKey(key, keyFile))) {
    throw bad(keyFile, `does not belong to the certificate in ${certFile}; make both anew, or name the right pair`);
  }
  try {
    createSecureContext({ cert, key, minVersion: TLS_VERSION_MIN });
  } catch (cause) {
    throw bad(certFile, `cannot be used for TLS (${reasonOf(cause)}); make another one`, cause);
  }
  return { cert, key, pin: pinOf(parsed), warning: warningOf(parsed, certFile, nowMs) };
}

/** 64 hex digits. */
export function pinOf({ fingerprint256 }: Pick<X509Certificate, "fingerprint256">): string {
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

async function read(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "this user may not read it" : (code ?? "unknown");
    throw new ChainCoreError("bad-certificate", `cannot read the ${what} ${path}: ${why}`, { cause, detail: { path } });
  }
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw bad(path, "holds no certificate in PEM form; it begins with -----BEGIN CERTIFICATE-----", cause);
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const isLocked = pem.includes("ENCRYPTED"); // PKCS #8 says so in its first line, the older form in its second.
    if (isLocked)
      throw bad(path, "is locked by a passphrase, which nobody can type here; keep it unlocked, readable by you only", cause);
    throw bad(path, "holds no private key in PEM form; it begins with -----BEGIN PRIVATE KEY-----", cause);
  }
}

/** Who pins a certificate trusts it whatever its dates say; who does not will refuse it. */
function warningOf({ validFromDate, validToDate }: X509Certificate, path: string, nowMs: number): string | undefined {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  if (validToDate.getTime() < nowMs)
    return `the certificate ${path} has expired on ${day(validToDate)}: nodes that pin it still take it, others do not`;
  if (validFromDate.getTime() > nowMs)
    return `the certificate ${path} is not valid before ${day(validFromDate)}: nodes that pin it take it now, others do not`;
  return undefined;
}

function reasonOf(cause: unknown): string {
  const { reason, message } = cause as { reason?: string; message: string };
  return reason ?? message;
}

function bad(path: string, why: string, cause?: unknown): ChainCoreError {
  return new ChainCoreError("bad-certificate", `${path} ${why}`, { cause, detail: { path } });
}
