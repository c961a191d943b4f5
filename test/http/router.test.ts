import { expect, test } from "vitest";
import { Router } from "../../src/core/http/router.ts";

const nothing = () => {};

test("a path is found by its method, HEAD counting as GET", () => {
  const router = new Router().on("GET", "/status", nothing);
  expect(router.find("GET", "/status").kind).toBe("found");
  expect(router.find("HEAD", "/status").kind).toBe("found");
  expect(router.find("POST", "/status")).toEqual({ kind: "other-method", allowed: ["GET"] });
  expect(router.find("GET", "/other").kind).toBe("unknown");
});

test("an open pattern takes exactly one part and hands it over", () => {
  const router = new Router().on("GET", "/v1/blocks/:hash", nothing);
  expect(router.find("GET", "/v1/blocks/00ff")).toMatchObject({ kind: "found", parameter: "00ff" });
  expect(router.find("GET", "/v1/blocks/").kind).toBe("unknown");
  expect(router.find("GET", "/v1/blocks/00/ff").kind).toBe("unknown");
});

test("an exact path wins over an open one", () => {
  const router = new Router().on("GET", "/v1/locks/:name", nothing).on("GET", "/v1/locks/graph", nothing);
  expect(router.find("GET", "/v1/locks/graph")).toMatchObject({ kind: "found", parameter: "" });
});

test("a router takes over another's routes", () => {
  const router = new Router().include(new Router().on("GET", "/a", nothing).on("GET", "/b/:c", nothing));
  expect(router.find("GET", "/a").kind).toBe("found");
  expect(router.find("GET", "/b/x")).toMatchObject({ kind: "found", parameter: "x" });
});
