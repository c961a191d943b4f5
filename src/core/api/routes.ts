import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http-error.ts";
import { Router } from "../http/router.ts";
import type { Api } from "./api.ts";

/** Requests that are at work or wait at one time; Bitcoin Core's 64 + 16 run out under every load test. */
const WORK_QUEUE_DEPTH = 1_024;

/** What the API port and the admin socket have in common. `admit` lets a caller pass or throws. */
export function commonRoutes(api: Api, admit: (exchange: Exchange) => Promise<void> | void, depth = WORK_QUEUE_DEPTH): Router {
  let working = 0;
  return new Router()
    .on("POST", "/", async (exchange) => {
      await admit(exchange);
      if (working >= depth) throw new HttpError(503, "Work queue depth exceeded");
      working++;
      try {
        await answerRpc(api, exchange);
      } finally {
        working--;
      }
    })
    .on("GET", "/status", (exchange) => exchange.answerJson(api.status()))
    .on("GET", "/stats", (exchange) => exchange.answerJson(api.stats()))
    .on("GET", "/metrics", async (exchange) => {
      const { type, body } = await api.metrics.text();
      exchange.answer(200, body, type);
    });
}

async function answerRpc(api: Api, exchange: Exchange): Promise<void> {
  const { status, body } = await api.rpc.answer(await exchange.body(), exchange);
  // Exactly this type: some clients read error codes only under it, and not with a charset behind.
  exchange.answer(status, body, status === 204 ? undefined : "application/json");
}
