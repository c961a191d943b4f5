import { ChainCoreError } from "../errors.ts";
import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http-error.ts";
import { NdjsonStream } from "../http/ndjson.ts";
import type { Handler, Router } from "../http/router.ts";
import type { Root } from "../locks/context.ts";
import { Block } from "../primitives/block.ts";
import type { Sats } from "../primitives/units.ts";
import { blockAnswer, chainAnswer, coinsAnswer, mempoolAnswer, scriptOf, transactionAnswer } from "./admin-answers.ts";
import type { Api } from "./api.ts";
import type { Mining, Peers } from "./ports.ts";
import { commonRoutes } from "./routes.ts";

/** A line of work holds up to 4 MB of transactions as hex; a miner may be one line behind. */
const WORK_BUFFER_BYTES = 20_000_000;

/** What only the owner of the socket file may ask. Shapes: client/answers.ts. */
export function adminRoutes(api: Api): Router {
  const { deps } = api;
  const ask = (label: string, run: (at: Root, exchange: Exchange) => unknown): Handler => asTask(api, label, run);
  const router = commonRoutes(api, () => {})
    .on("GET", "/v1/status", (exchange) => exchange.answerJson(api.status()))
    .on(
      "GET",
      "/v1/chain",
      ask("chain", () => chainAnswer(deps)),
    )
    .on(
      "GET",
      "/v1/blocks/:block",
      ask("block", (_at, { parameter }) => blockAnswer(deps, parameter)),
    )
    .on(
      "GET",
      "/v1/coins/:address",
      ask("coins", (_at, { parameter }) => coinsAnswer(deps, decodeURIComponent(parameter))),
    )
    .on(
      "GET",
      "/v1/transactions/:txid",
      ask("transaction", (_at, { parameter }) => transactionAnswer(deps, parameter)),
    )
    .on(
      "GET",
      "/v1/mempool",
      ask("mempool", () => mempoolAnswer(deps)),
    )
    .on("GET", "/v1/locks", (exchange) => exchange.answerJson(api.stats()))
    .on("GET", "/v1/locks/graph", (exchange) => exchange.answerJson(deps.locks.graph()))
    .on("GET", "/v1/events", (exchange) => deps.events.stream(exchange, api.stopping))
    .on(
      "POST",
      "/v1/blocks",
      ask("submit block", (at, exchange) => submitBlock(api, at, exchange)),
    )
    .on("POST", "/v1/stop", async (exchange) => {
      await exchange.body(); // Left unread, it would make the kernel reset the connection before the answer is taken.
      exchange.answerJson({});
      exchange.response.once("close", () => deps.stop()); // The answer is out before the node begins to close.
    });
  addAccounts(router, api, ask);
  addMining(router, api);
  addTransfers(router, api, ask);
  addSnapshots(router, api, ask);
  addPeers(router, api);
  addLockDemo(router, api, ask);
  return router;
}

/** Runs under a lock task and answers with what comes back. */
function asTask({ deps }: Api, label: string, run: (at: Root, exchange: Exchange) => unknown): Handler {
  return refusing(async (exchange) => {
    exchange.answerJson((await deps.locks.task(`admin ${label}`, (at) => run(at, exchange))) ?? {});
  });
}

/** What the world or the caller did wrong becomes a refusal with its code. */
function refusing(handle: (exchange: Exchange) => Promise<void>): Handler {
  return async (exchange) => {
    try {
      await handle(exchange);
    } catch (error) {
      if (error instanceof HttpError || !(error instanceof ChainCoreError)) throw error;
      throw new HttpError(statusOf(error.code), error.message, { code: error.code, cause: error });
    }
  };
}

function statusOf(code: string): number {
  return code.startsWith("unknown-") ? 404 : 400;
}

async function jsonBody(exchange: Exchange): Promise<Readonly<Record<string, unknown>>> {
  const text = (await exchange.body()).toString("utf8");
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below.
  }
  throw new HttpError(400, "the body is no JSON object", { code: "bad-request" });
}

async function submitBlock({ deps }: Api, at: Root, exchange: Exchange): Promise<object> {
  const block = Block.decode(await exchange.body());
  const reason = await deps.blocks.acceptBlock(at, block);
  return reason === null ? { accepted: true } : { accepted: false, reason };
}

function addAccounts(
  router: Router,
  { deps }: Api,
  ask: (label: string, run: (at: Root, exchange: Exchange) => unknown) => Handler,
): void {
  const { accounts } = deps;
  if (accounts === undefined) return;
  router.on(
    "GET",
    "/v1/accounts",
    ask("accounts", async (at) => ({ developmentMnemonic: accounts.usesDevelopmentMnemonic, accounts: await accounts.list(at) })),
  );
  router.on(
    "POST",
    "/v1/send",
    ask("send", async (at, exchange) => {
      const { to, amountSats, from } = await jsonBody(exchange);
      const script = scriptOf(deps, String(to));
      if (!Number.isSafeInteger(amountSats) || (amountSats as number) <= 0)
        throw new ChainCoreError("bad-amount", "the amount must be whole satoshis above 0");
      const account = typeof from === "number" ? { account: from } : {};
      const { txid, fee, vsize } = await accounts.send(at, { script, amount: amountSats as Sats, ...account });
      return { txid, feeSats: fee, vsize };
    }),
  );
}

function addMining(router: Router, api: Api): void {
  const { mining } = api.deps;
  const jobs = mining?.jobs?.bind(mining);
  if (jobs !== undefined) {
    router.on(
      "GET",
      "/v1/work",
      refusing((exchange) => streamWork(api, exchange, jobs)),
    );
  }
  const noteRate = mining?.noteRate?.bind(mining);
  if (noteRate !== undefined) {
    router.on("POST", "/v1/work/rate", async (exchange) => {
      const { prefix, hashesPerSecond } = await jsonBody(exchange);
      noteRate(Number(prefix), Number(hashesPerSecond));
      exchange.answerJson({});
    });
  }
  const control = mining?.control?.bind(mining);
  if (control === undefined) return;
  const mine = async (exchange: Exchange) => exchange.answerJson(await control(await jsonBody(exchange)));
  router.on("POST", "/v1/mine", refusing(mine));
}

async function streamWork({ deps, stopping }: Api, exchange: Exchange, jobs: NonNullable<Mining["jobs"]>): Promise<void> {
  const address = exchange.query.get("address") ?? undefined;
  if (address !== undefined) scriptOf(deps, address);
  const stream = new NdjsonStream(exchange, WORK_BUFFER_BYTES);
  const signal = AbortSignal.any([stream.signal, stopping]);
  for await (const line of jobs(address, signal)) if (!stream.write(line)) break;
  stream.end();
}

function addTransfers(
  router: Router,
  { deps }: Api,
  ask: (label: string, run: (at: Root, exchange: Exchange) => unknown) => Handler,
): void {
  const { transfers } = deps;
  if (transfers === undefined) return;
  const pathOf = async (exchange: Exchange) => String((await jsonBody(exchange))["path"]);
  router.on(
    "POST",
    "/v1/import",
    ask("import", async (at, exchange) => transfers.importBlocks(at, await pathOf(exchange))),
  );
  router.on(
    "POST",
    "/v1/export",
    ask("export", async (at, exchange) => transfers.exportBlocks(at, await pathOf(exchange))),
  );
  router.on(
    "POST",
    "/v1/verify",
    ask("verify", async (at, exchange) => transfers.verifyBlocks(at, await jsonBody(exchange))),
  );
}

function addSnapshots(
  router: Router,
  { deps }: Api,
  ask: (label: string, run: (at: Root, exchange: Exchange) => unknown) => Handler,
): void {
  const { snapshots } = deps;
  if (snapshots === undefined) return;
  router.on("GET", "/v1/snapshots", (exchange) => exchange.answerJson(snapshots.list()));
  router.on(
    "POST",
    "/v1/snapshots/save",
    ask("save snapshot", async (at, exchange) => {
      const { name, height } = await jsonBody(exchange);
      if (height !== undefined && (!Number.isSafeInteger(height) || (height as number) < 0))
        throw new HttpError(400, "the height is no whole number from 0 on", { code: "bad-request" });
      return snapshots.save(at, String(name), height as number | undefined);
    }),
  );
  const nameOf = async (exchange: Exchange) => String((await jsonBody(exchange))["name"]);
  router.on(
    "POST",
    "/v1/snapshots/restore",
    ask("restore snapshot", async (at, exchange) => snapshots.restore(at, await nameOf(exchange))),
  );
  router.on(
    "POST",
    "/v1/snapshots/drop",
    ask("drop snapshot", async (at, exchange) => snapshots.drop(at, await nameOf(exchange))),
  );
}

function addLockDemo(
  router: Router,
  { deps }: Api,
  ask: (label: string, run: (at: Root, exchange: Exchange) => unknown) => Handler,
): void {
  const { lockDemo } = deps;
  if (lockDemo === undefined) return;
  router.on(
    "POST",
    "/v1/locks/demo",
    ask("lock demo", async (_at, exchange) => lockDemo.play(String((await jsonBody(exchange))["situation"]))),
  );
}

function addPeers(router: Router, { deps }: Api): void {
  const { peers } = deps;
  if (peers === undefined) return;
  router.on("GET", "/v1/peers", (exchange) => exchange.answerJson(peers.overview()));
  const tell = async (exchange: Exchange) =>
    exchange.answerJson(await tellPeers(peers, exchange.parameter, await jsonBody(exchange)));
  router.on("POST", "/v1/peers/:verb", refusing(tell));
}

async function tellPeers(peers: Peers, verb: string, request: Readonly<Record<string, unknown>>): Promise<object> {
  const { peer, seconds, reason, delayMs, drop } = request;
  const name = String(peer);
  switch (verb) {
    case "add":
      return { added: await peers.add(name) };
    case "remove":
      return { removed: await peers.remove(name) };
    case "ban":
      await peers.ban(name, {
        ...(typeof seconds === "number" ? { seconds } : {}),
        ...(typeof reason === "string" ? { reason } : {}),
      });
      return { banned: name };
    case "unban":
      return { lifted: await peers.unban(name) };
    case "partition":
    case "delay":
    case "drop":
    case "heal":
      peers.fault(verb, {
        ...(peer === undefined ? {} : { peer: name }),
        ...(typeof delayMs === "number" ? { delayMs } : {}),
        ...(typeof drop === "number" ? { drop } : {}),
      });
      return peers.overview();
    default:
      throw new HttpError(404, `peers cannot be told to ${verb}`);
  }
}
