import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../src/core/encoding/reader.ts";
import { decodeAnnouncement, encodeAnnouncement } from "../../src/core/peers/announcement.ts";
import {
  decodeBodies,
  decodeHashes,
  decodePlaces,
  encodeBodies,
  encodeHashes,
  encodePlaces,
} from "../../src/core/peers/bodies-message.ts";
import { decodeHeaders, decodeLocator, encodeHeaders, encodeLocator } from "../../src/core/peers/headers-message.ts";
import { HEADERS_MAX, LOCATOR_HASHES_MAX } from "../../src/core/peers/messages.ts";
import { decodeFeeFilter, decodeTip, encodeFeeFilter, encodeTip } from "../../src/core/peers/tip-message.ts";
import { Header } from "../../src/core/primitives/header.ts";
import type { BlockHash, FeeRate, Height, Txid, Work } from "../../src/core/primitives/units.ts";

const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex") as BlockHash & Txid);
const header = fc.uint8Array({ minLength: 80, maxLength: 80 }).map((bytes) => Header.decode(bytes));
const body = fc.uint8Array({ maxLength: 300 });
const places = fc.uniqueArray(fc.nat(69_999), { maxLength: 50 }).map((all) => all.sort((a, b) => a - b));
const raws = (headers: readonly Header[] | undefined) => headers?.map(({ raw }) => Buffer.from(raw).toString("hex"));

describe("what is written is read back", () => {
  test("a tip, and a tip of a later version", () => {
    fc.assert(
      fc.property(hash, fc.nat(), fc.bigInt(0n, 2n ** 256n - 1n), body, (hash, height, work, more) => {
        const tip = { hash, height: height as Height, chainwork: work as Work };
        expect(decodeTip(Buffer.concat([encodeTip(tip), more]))).toEqual(tip);
      }),
    );
    expect(decodeFeeFilter(encodeFeeFilter(1234 as FeeRate))).toBe(1234);
  });

  test("locators, headers, hashes, bodies, places", () => {
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 101 }), fc.array(header), fc.array(body), places, (hashes, headers, bodies, at) => {
        expect(decodeLocator(encodeLocator(hashes))).toEqual(hashes);
        expect(decodeHashes(encodeHashes(hashes), 101)).toEqual(hashes);
        expect(raws(decodeHeaders(encodeHeaders(headers)))).toEqual(raws(headers));
        expect(decodeBodies(encodeBodies(bodies), 1000).map((view) => Buffer.from(view))).toEqual(
          bodies.map((b) => Buffer.from(b)),
        );
        const question = { block: "ab".repeat(32) as BlockHash, places: at };
        expect(decodePlaces(encodePlaces(question), 70_000)).toEqual(question);
      }),
    );
  });

  test("news, also with a section that only later versions know", () => {
    const id = fc.nat({ max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(header, fc.array(id), places, fc.array(hash), body, (header, shortIds, at, txids, unknown) => {
        const prefilled = at.map((place) => ({ place, raw: Uint8Array.of(place % 256) }));
        const compact = { header, nonce: new Uint8Array(8).fill(7), shortIds, prefilled };
        const known = encodeAnnouncement({ compact, headers: [header], txids });
        const news = decodeAnnouncement(
          Buffer.concat(
            [known, Uint8Array.of(99, unknown.length % 200), unknown.slice(0, unknown.length % 200)].map((part) =>
              Buffer.from(part),
            ),
          ),
        );
        expect(news.txids).toEqual(txids);
        expect(raws(news.headers)).toEqual(raws([header]));
        expect(news.compact!.shortIds).toEqual(shortIds);
        expect(news.compact!.prefilled.map(({ place, raw }) => [place, ...raw])).toEqual(at.map((place) => [place, place % 256]));
      }),
    );
  });
});

test("random bytes are read, or refused as such, by every decoder", () => {
  const decoders: readonly ((bytes: Uint8Array) => unknown)[] = [
    decodeTip,
    decodeFeeFilter,
    decodeLocator,
    decodeHeaders,
    decodeAnnouncement,
    (bytes) => decodeHashes(bytes, 64),
    (bytes) => decodeBodies(bytes, 64),
    (bytes) => decodePlaces(bytes, 70_000),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test("counts above their limits are refused before anything is made", () => {
  expect(() => decodeHeaders(encodeLocator(Array.from({ length: HEADERS_MAX + 1 }, () => "00".repeat(32) as BlockHash)))).toThrow(
    "2001 where at most 2000",
  );
  expect(() => decodeLocator(Uint8Array.of(LOCATOR_HASHES_MAX + 1))).toThrow("102 where at most 101");
});
