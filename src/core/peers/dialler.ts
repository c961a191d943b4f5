import { ChainCoreError } from "../errors.ts";
import type { Entropy } from "../ports.ts";
import type { LinkDeps } from "./base-link.ts";
import type { ConnectionPool, PoolAnswer } from "./connection-pool.ts";
import { DialledLink, linkHeaders } from "./dialled-link.ts";
import { HELLO_BYTES_MAX, type Hello, helloOf, identityFrom, type Self, unsuitable } from "./hello.ts";
import type { HostTarget } from "./host-connections.ts";
import { LinkError, type PeerIdentity } from "./link.ts";
import { PROTOCOL_VERSION } from "./messages.ts";
import { type PeerUrl, peerUrlOf, resolveAddress } from "./peer-url.ts";
import { isProof, NONCE_BYTES, proofOf } from "./token.ts";
import { HEADER, PATH, SILENCE_MS } from "./wire.ts";

export interface DiallerDeps extends LinkDeps {
  readonly pool: ConnectionPool;
  readonly entropy: Entropy;
  readonly self: () => Self;
  readonly token: string | undefined;
  /** Why a node is not wanted after all; undefined when it is. */
  readonly admit: (identity: PeerIdentity) => string | undefined;
  /** A link stands: called before anything travels over it. */
  readonly onLink: (link: DialledLink) => void;
}

const HELLO_MS = 10_000;

/** Opens a link to the node at a URL. @throws LinkError peer-unreachable, peer-unsuitable */
export async function dial(url: PeerUrl, deps: DiallerDeps, signal?: AbortSignal): Promise<DialledLink> {
  if (deps.faults.of([url.text]).isPartitioned) throw new LinkError("peer-unreachable", `${url.text} is cut off on purpose`);
  const address = await resolveAddress(url);
  const target = targetOf(url, address);
  const limit = AbortSignal.any([AbortSignal.timeout(HELLO_MS), ...(signal === undefined ? [] : [signal])]);
  const { hello, identity } = await greet(target, url, deps, limit);
  const why = deps.faults.of([identity.nodeId]).isPartitioned ? "it is cut off on purpose" : deps.admit(identity);
  if (why !== undefined) throw unsuitable(why, identity.instance);
  const stream = await openStream(target, url, hello.link!, deps, limit);
  const facts = { direction: "outbound", identity, remote: { address, port: url.port }, url: url.text } as const;
  const link = new DialledLink(facts, deps, { pool: deps.pool, target, key: hello.link!, stream });
  deps.onLink(link);
  link.begin();
  return link;
}

async function greet(target: HostTarget, url: PeerUrl, deps: DiallerDeps, signal: AbortSignal) {
  const { token, self } = deps;
  const nonce = Buffer.from(deps.entropy.bytes(NONCE_BYTES)).toString("hex");
  const mine: Hello = { ...helloOf(self()), nonce };
  let answer = await post(target, url, mine, deps, signal);
  if (answer.status === 401) {
    if (token === undefined) throw unsuitable("it asks for a peer token; start with --peer-token");
    answer = await post(target, url, { ...mine, proof: proveTo(answer, token, nonce) }, deps, signal);
  } else if (token !== undefined && answer.status === 200) {
    throw unsuitable("it does not ask for the peer token; a node with a token links only with nodes that have it");
  }
  if (answer.status !== 200) throw unsuitable(reasonIn(answer), instanceIn(answer));
  const known = identityFrom(answer.body.toString("utf8"), self());
  if (!/^[0-9a-f]{32}$/.test(known.hello.link ?? "")) throw unsuitable("it does not answer as a peer does");
  return known;
}

/** Our proof, once the other side's has been seen: a stranger on that port learns nothing. */
function proveTo(challenge: PoolAnswer, token: string, nonce: string): string {
  const { nonce: theirs, proof } = parseObject(challenge);
  if (typeof theirs !== "string" || !/^[0-9a-f]{64}$/.test(theirs)) throw unsuitable("it does not answer as a peer does");
  if (!isProof(token, "listener", [nonce, theirs], proof)) throw unsuitable("its peer token is another one");
  return proofOf(token, "dialler", [nonce, theirs]);
}

async function post(
  target: HostTarget,
  url: PeerUrl,
  hello: Hello,
  { pool }: DiallerDeps,
  signal: AbortSignal,
): Promise<PoolAnswer> {
  try {
    return await pool.request({
      ...target,
      path: `${PATH}/hello`,
      method: "POST",
      headers: { "content-type": "application/json", [HEADER.VERSION]: String(PROTOCOL_VERSION) },
      body: JSON.stringify(hello),
      signal,
      bytesMax: HELLO_BYTES_MAX,
    });
  } catch (error) {
    throw unreachablePeer(url, error);
  }
}

async function openStream(target: HostTarget, url: PeerUrl, key: string, { pool }: DiallerDeps, signal: AbortSignal) {
  const opening = new AbortController();
  const abort = () => opening.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const request = {
      ...target,
      path: `${PATH}/stream`,
      method: "GET",
      headers: linkHeaders(key),
      signal: opening.signal,
    } as const;
    const { status, body } = await pool.stream(request, SILENCE_MS);
    if (status === 200) return body;
    body.on("error", () => {});
    body.destroy();
    throw unsuitable(`it does not open its stream (status ${status})`);
  } catch (error) {
    throw error instanceof LinkError ? error : unreachablePeer(url, error);
  } finally {
    signal.removeEventListener("abort", abort); // The stream outlives the limit on opening it.
  }
}

/** Where to connect: to the address that was looked up, and to nobody but who the URL means. */
function targetOf(url: PeerUrl, address: string): HostTarget {
  const { port, isSecure, host, pin } = url;
  return { origin: peerUrlOf({ host: address, port, isSecure, pin: undefined }), tls: isSecure ? { pin, host } : undefined };
}

function unreachablePeer({ text }: PeerUrl, cause: unknown): LinkError {
  if (cause instanceof LinkError) return new LinkError(cause.code, `${text} cannot be linked with: ${cause.message}`, { cause });
  const inner = cause instanceof ChainCoreError && cause.cause instanceof Error ? cause.cause : cause;
  const code = (inner as { code?: unknown }).code;
  const why = code === "ECONNREFUSED" ? "nothing listens there" : inner instanceof Error ? inner.message : String(inner);
  return new LinkError("peer-unreachable", `${text} cannot be reached: ${why}`, { cause, detail: { url: text } });
}

function reasonIn(answer: PoolAnswer): string {
  const error = parseObject(answer)["error"] as { message?: unknown } | undefined;
  return typeof error?.message === "string" ? error.message.slice(0, 200) : `it answers with status ${answer.status}`;
}

function instanceIn({ headers }: PoolAnswer): string | undefined {
  const instance = headers[HEADER.INSTANCE];
  return typeof instance === "string" && /^[0-9a-f]{32}$/.test(instance) ? instance : undefined;
}

function parseObject({ body }: PoolAnswer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
