import { expect, test } from "vitest";
import { DecodeError } from "../../../src/core/encoding/reader.ts";
import { type AddressClass, classOfAddress } from "../../../src/core/peers/address-class.ts";
import { ADDRESSES_MAX } from "../../../src/core/peers/messages.ts";
import { decodeAddresses, encodeAddresses, tellable } from "../../../src/core/peers/table/addresses-message.ts";

const PLACES: Readonly<Record<AddressClass, readonly string[]>> = {
  loopback: ["127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"],
  private: [
    "10.0.0.1",
    "172.31.255.255",
    "192.168.7.7",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "[fc00::1]",
    "[fe80::1]",
    "[::]",
  ],
  public: ["198.51.100.1", "172.32.0.1", "[2001:db8::1]"],
};
const DEPTH = { public: 0, private: 1, loopback: 2 };
const CLASSES = ["loopback", "private", "public"] as const;
const pairs = CLASSES.flatMap((peer) => CLASSES.map((place) => [peer, place] as const));

test.each(pairs)("from and to a peer on a %s address: places that are %s", (peer, place) => {
  const urls = PLACES[place].map((host) => `http://${host}:8000`);
  const mayBe = DEPTH[place] <= DEPTH[peer];
  expect(decodeAddresses(encodeAddresses(urls), peer)).toHaveLength(mayBe ? urls.length : 0);
  for (const url of urls) expect([url, tellable(url, peer)]).toEqual([url, mayBe]);
});

test("names do not travel: what they mean is for whoever looks them up", () => {
  expect(decodeAddresses(encodeAddresses(["http://localhost:8000", "http://a.example:8000"]), "loopback")).toEqual([]);
  expect(tellable("http://localhost:8000", "loopback")).toBe(false);
});

test("of a list only plain places are taken", () => {
  const sound = "http://198.51.100.1:8000";
  const list = [
    sound,
    `${sound}/admin`,
    `${sound}?a=b`,
    "file:///etc/passwd",
    "gopher://198.51.100.1:70",
    "http://u:p@198.51.100.1:1",
  ];
  const junk = [7, null, {}, [sound], "", `http://198.51.100.1:8000/${"x".repeat(400)}`];
  expect(decodeAddresses(Buffer.from(JSON.stringify([...list, ...junk])), "public")).toEqual([sound]);
});

test.each([
  "",
  "{",
  "{}",
  "7",
  '"http://198.51.100.1:8000"',
  JSON.stringify(Array(ADDRESSES_MAX + 1).fill("http://198.51.100.1:1")),
])("what is no list, or too long a one, is refused: %.20s", (text) =>
  expect(() => decodeAddresses(Buffer.from(text), "public")).toThrow(DecodeError),
);

test("no more are told than may be", () => {
  const urls = Array.from({ length: ADDRESSES_MAX + 50 }, (_, number) => `http://198.51.100.1:${number + 1}`);
  expect(decodeAddresses(encodeAddresses(urls), "public")).toHaveLength(ADDRESSES_MAX);
});

test("IPv4 in its IPv6 forms is as deep as IPv4", () => {
  expect(["::ffff:10.0.0.1", "::ffff:a00:1", "::FFFF:10.0.0.1"].map(classOfAddress)).toEqual(["private", "private", "private"]);
  expect(["::ffff:7f00:1", "0:0:0:0:0:ffff:127.0.0.1"].map(classOfAddress)).toEqual(["loopback", "loopback"]);
});
