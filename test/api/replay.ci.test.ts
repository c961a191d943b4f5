import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasTestData } from "../support/test-data.ts";
import { buildOpenChain } from "./open-chain-node.ts";
import { replayPool } from "./pool-steps.ts";
import { type Recorded, recordedFile } from "./recorded.ts";
import { CREDENTIALS, TestNode } from "./test-node.ts";
import { withoutVolatile } from "./volatile.ts";

/** What still differs from Bitcoin Core 31.1, by the number of the request. */
const KNOWN_DIFFERENCES: readonly number[] = [];

/*
 * chains/open-1 from end to end over the API, in the order in which it was recorded: A builds the chain, C asks, B fills the pool, the odd
 * ones come last; a restart between them.
 */
let node: TestNode;
/** Steps of part A that were answered otherwise than by Bitcoin Core. */
let wrongSteps: readonly string[];

/** The chain of part A, built through the calls that were made to Bitcoin Core; then a restart, as the recording had it. */
beforeAll(async () => {
  if (!hasTestData) return;
  node = await TestNode.open();
  wrongSteps = await buildOpenChain(node);
  await node.restart();
}, 300_000);

afterAll(async () => await node?.[Symbol.asyncDispose]());

test.skipIf(!hasTestData)("submitblock and submitheader answer as Bitcoin Core, all 674 steps of part A", () => {
  expect(wrongSteps).toEqual([]);
});

test.skipIf(!hasTestData)("520 recorded requests are answered as Bitcoin Core answered them, letter for letter", async () => {
  const url = await node.url();
  const different: number[] = [];
  for (const recorded of recordedFile().requests) {
    const got = await send(url, recorded);
    const { status, headers, body } = recorded.response;
    const volatile = recorded.volatile ?? [];
    const isSame =
      got.status === status &&
      got.type === headers["content-type"] &&
      got.challenge === headers["www-authenticate"] &&
      withoutVolatile(got.body, volatile) === withoutVolatile(body, volatile);
    if (isSame) continue;
    different.push(recorded.n);
    console.log(`request ${recorded.n}: ${recorded.request.body}\n got    ${got.status} ${got.body}\n wanted ${status} ${body}`);
  }
  expect(different).toEqual(KNOWN_DIFFERENCES);
});

test.skipIf(!hasTestData)("the pool answers part B as Bitcoin Core's did", { timeout: 300_000 }, async () => {
  await node.restart();
  expect(await replayPool(node, "mempool.jsonl.gz")).toEqual([]);
});

test.skipIf(!hasTestData)(
  "the pool answers the odd ones as Bitcoin Core's did with -acceptnonstdtxn=1",
  { timeout: 300_000 },
  async () => {
    await node.restart({ requireStandard: false });
    expect(await replayPool(node, "mempool-nonstd.jsonl")).toEqual([]);
  },
);

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly challenge: string | undefined;
  readonly body: string;
}

async function send(url: string, { request: recorded }: Recorded): Promise<Answer> {
  const credentials = { ok: CREDENTIALS, bad: "user:wrong", none: "" }[recorded.auth];
  const auth = credentials === "" ? {} : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request(url + recorded.path, { method: recorded.method, headers: { ...recorded.headers, ...auth } });
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const { "content-type": type, "www-authenticate": challenge } = response.headers;
      resolve({ status: response.statusCode!, type, challenge, body: Buffer.concat(chunks).toString() });
    });
  });
  outgoing.end(recorded.body);
  return await promise;
}
