import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { HttpError } from "./http-error.ts";

/**
 * A page that a browser loaded from a name whose DNS answer then changes to 127.0.0.1 (rebinding) sends that name as Host.
 * So a port answers to addresses and to `localhost`, and to other names only where it was told them.
 * @throws HttpError 403
 */
export function checkHost(headers: IncomingHttpHeaders, names: ReadonlySet<string>): void {
  if (headers.host === undefined) return; // HTTP/1.0 tools; no browser leaves it out.
  const name = hostName(headers.host);
  if (name === "localhost" || name.endsWith(".localhost") || isIP(name) !== 0 || names.has(name)) return;
  throw new HttpError(403, `this port does not answer to the name ${JSON.stringify(name)}`, { code: "host-refused" });
}

/**
 * Browsers name the page that asks. Another page than our own has no business here, with or without credentials.
 * @throws HttpError 403
 */
export function checkOrigin(headers: IncomingHttpHeaders): void {
  const origin = headers.origin;
  if (origin === undefined) return;
  const own = headers.host !== undefined && (origin === `http://${headers.host}` || origin === `https://${headers.host}`);
  if (!own) throw new HttpError(403, "requests from other web pages are refused", { code: "origin-refused" });
}

/** The name in a Host header: without port and without the brackets of IPv6. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d*$/, "")).toLowerCase();
}
