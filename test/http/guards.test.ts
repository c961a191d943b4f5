import { expect, test } from "vitest";
import { checkHost, checkOrigin } from "../../src/core/http/guards.ts";

const none = new Set<string>();

test.each([
  "localhost",
  "localhost:5000",
  "LOCALHOST:5000",
  "127.0.0.1:5000",
  "[::1]:5000",
  "[::1]",
  "192.168.1.7:80",
  "a.localhost:1",
])("a port answers to %s", (host) => expect(() => checkHost({ host }, none)).not.toThrow());

test.each(["evil.example", "evil.example:5000", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1].evil.example"])(
  "a port does not answer to the name %j",
  (host) => expect(() => checkHost({ host }, none)).toThrow(/does not answer/),
);

test("a port answers to a name that it was told", () => {
  expect(() => checkHost({ host: "node.lan:5000" }, new Set(["node.lan"]))).not.toThrow();
});

test("a page of another origin is refused, our own is not", () => {
  expect(() => checkOrigin({ host: "localhost:5000" })).not.toThrow();
  expect(() => checkOrigin({ host: "localhost:5000", origin: "http://localhost:5000" })).not.toThrow();
  for (const origin of ["http://evil.example", "null", "http://localhost:5001", "http://localhost:5000.evil.example"]) {
    expect(() => checkOrigin({ host: "localhost:5000", origin })).toThrow(/other web pages/);
  }
});
