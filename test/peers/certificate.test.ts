import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCertificate } from "../../src/core/peers/certificate.ts";
import { parsePeerUrl, placeOf } from "../../src/core/peers/peer-url.ts";
import { CertificateFiles, lockedKey, selfSigned } from "../support/self-signed.ts";

let files: CertificateFiles;
beforeEach(async () => {
  files = await CertificateFiles.write();
});
afterEach(() => files[Symbol.asyncDispose]());

const read = (more: { certFile?: string | undefined; keyFile?: string | undefined } = {}) =>
  readCertificate({ certFile: files.certFile, keyFile: files.keyFile, ...more }, Date.now());
const failure = (more: Parameters<typeof read>[0]) => read(more).then(String, ({ code, message }) => [code, message]);

async function file(name: string, content: string): Promise<string> {
  const path = join(files.folder, name);
  await writeFile(path, content);
  return path;
}

describe("the two files of a peer port", () => {
  test("give the pin that the certificate has, and no warning while it is valid", async () => {
    expect(await read()).toMatchObject({ pin: files.pin, warning: undefined });
    expect(files.pin).toMatch(/^[0-9a-f]{64}$/);
  });

  test("are not needed; one without the other is", async () => {
    expect(await read({ certFile: undefined, keyFile: undefined })).toBeUndefined();
    const sentence = "--p2p-tls-cert and --p2p-tls-key belong together: give both files, or none for plain http";
    expect(await failure({ keyFile: undefined })).toEqual(["tls-files-needed", sentence]);
    expect(await failure({ certFile: undefined })).toEqual(["tls-files-needed", sentence]);
  });

  test("that cannot be read are told with the reason", async () => {
    const nowhere = join(files.folder, "nowhere.pem");
    expect(await failure({ certFile: nowhere })).toEqual([
      "bad-certificate",
      `cannot read the certificate ${nowhere}: there is no such file`,
    ]);
    expect(await failure({ keyFile: files.folder })).toEqual(["bad-certificate", `cannot read the key ${files.folder}: EISDIR`]);
    await chmod(files.keyFile, 0);
    if (process.getuid?.() !== 0)
      expect(await failure({})).toEqual(["bad-certificate", `cannot read the key ${files.keyFile}: this user may not read it`]);
  });

  test("that hold something else are told what they should begin with", async () => {
    const other = await file("other.pem", "hello");
    expect(await failure({ certFile: other })).toEqual([
      "bad-certificate",
      `${other} holds no certificate in PEM form; it begins with -----BEGIN CERTIFICATE-----`,
    ]);
    expect(await failure({ keyFile: files.certFile })).toEqual([
      "bad-certificate",
      `${files.certFile} holds no private key in PEM form; it begins with -----BEGIN PRIVATE KEY-----`,
    ]);
  });

  test("must belong together, and the key must not be locked", async () => {
    const other = selfSigned();
    const otherKey = await file("other-key.pem", other.key);
    expect(await failure({ keyFile: otherKey })).toEqual([
      "bad-certificate",
      `${otherKey} does not belong to the certificate in ${files.certFile}; make both anew, or name the right pair`,
    ]);
    const locked = await file("locked.pem", lockedKey(other.key));
    expect(await failure({ keyFile: locked })).toEqual(["bad-certificate", expect.stringContaining("is locked by a passphrase")]);
  });

  test("out of their time are taken with a warning that says when", async () => {
    const day = 86_400_000;
    await using old = await CertificateFiles.write({ from: new Date(0), until: new Date(10 * 365 * day) });
    await using early = await CertificateFiles.write({
      from: new Date(Date.now() + 30 * day),
      until: new Date(Date.now() + 60 * day),
    });
    expect((await read(old))?.warning).toBe(
      `the certificate ${old.certFile} has expired on 1979-12-30: nodes that pin it still take it, others do not`,
    );
    expect((await read(early))?.warning).toContain("is not valid before ");
  });
});

describe("a peer's URL", () => {
  const pin = "0123456789abcdef".repeat(4);

  test("carries the pin, however it is written", () => {
    const colons = pin.toUpperCase().match(/../g)!.join(":");
    for (const end of [pin, pin.toUpperCase(), colons])
      expect(parsePeerUrl(`https://192.0.2.1:8000#sha256=${end}`)).toEqual({
        ...{ text: `https://192.0.2.1:8000#sha256=${pin}`, host: "192.0.2.1", port: 8_000, isSecure: true, pin },
      });
    expect(parsePeerUrl(`https://[2001:db8::1]:8000/#sha256=${pin}`).text).toBe(`https://[2001:db8::1]:8000#sha256=${pin}`);
    expect(parsePeerUrl("https://node.example")).toMatchObject({ text: "https://node.example:443", pin: undefined });
  });

  test("with half a pin, a pin of another kind, or one for plain http is none", () => {
    for (const url of [
      `https://192.0.2.1:8000#sha256=${pin.slice(1)}`,
      `https://192.0.2.1:8000#sha1=${pin}`,
      "https://192.0.2.1:8000#x",
      `http://192.0.2.1:8000#sha256=${pin}`,
    ])
      expect(() => parsePeerUrl(url)).toThrow(/has a wrong end: a pin is written https:/);
  });

  test("names the same place whatever is pinned there", () => {
    expect(placeOf(`https://192.0.2.1:8000#sha256=${pin}`)).toBe("https://192.0.2.1:8000");
    expect([placeOf("http://192.0.2.1:8000"), placeOf("core#1")]).toEqual(["http://192.0.2.1:8000", "core#1"]);
  });
});
