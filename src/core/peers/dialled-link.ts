import { BaseLink, type LinkDeps, type LinkFacts, type Served } from "./base-link.ts";
import type { ConnectionPool, PoolAnswer, PoolStream } from "./connection-pool.ts";
import { type Frame, FrameReader } from "./frames.ts";
import type { HostTarget } from "./host-connections.ts";
import { LinkError, type MessageKind } from "./link.ts";
import { MESSAGE_LIMITS, PROTOCOL_VERSION } from "./messages.ts";
import { BODY_TYPE, HEADER, PATH } from "./wire.ts";

/** The dialler's end of a link: its questions are requests, the other side's come down a stream. */
export class DialledLink extends BaseLink {
  readonly #pool: ConnectionPool;
  readonly #target: HostTarget;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #stream: PoolStream["body"];

  constructor(
    facts: LinkFacts,
    deps: LinkDeps,
    wire: {
      readonly pool: ConnectionPool;
      readonly target: HostTarget;
      readonly key: string;
      readonly stream: PoolStream["body"];
    },
  ) {
    super(facts, deps);
    this.#pool = wire.pool;
    this.#target = wire.target;
    this.#headers = linkHeaders(wire.key);
    this.#stream = wire.stream;
    this.#stream.on("error", () => {}); // Told to whoever reads it; a link may end before anybody does.
  }

  /** Begins to answer: whoever gets this link has to know of it before. */
  begin(): void {
    void this.#listen();
  }

  override close(reason: string): void {
    super.close(reason);
    this.#stream.destroy();
  }

  protected async carry(kind: MessageKind, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#pool
      .request({
        ...this.#target,
        path: `${PATH}/${kind}`,
        method: "POST",
        headers: this.#headers,
        body,
        signal,
        isIdempotent: true,
        bytesMax: MESSAGE_LIMITS[kind].answerBytesMax,
      })
      .catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== "answer-too-large") throw error;
        throw new LinkError("link-garbled", `${this.name} answers ${kind} with too much`, { cause: error });
      });
    return this.#bodyOf(answer, kind);
  }

  #bodyOf({ status, headers, body }: PoolAnswer, kind: MessageKind): Uint8Array {
    if (status === 200) return body;
    if (status === 410) this.close("the other side has ended it");
    const code = status === 429 ? "slow-down" : (headers[HEADER.REFUSAL] ?? `status ${status}`);
    throw new LinkError("link-refused", `${this.name} refuses ${kind}: ${code}`, { detail: { refusal: code } });
  }

  async #listen(): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const chunk of this.#stream) {
        this.countReceived(0);
        for (const frame of reader.push(chunk)) void this.#reply(frame);
      }
      this.close("the other side has ended it");
    } catch (error) {
      const isSilence = (error as { code?: unknown }).code === "UND_ERR_BODY_TIMEOUT";
      this.close(
        isSilence ? "nothing came for too long" : `its stream failed: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  async #reply({ id, kind, body }: Frame): Promise<void> {
    const served = await this.serve(kind, body);
    if (this.isClosed) return;
    const headers = { ...this.#headers, [HEADER.REPLY]: String(id), ...refusalHeader(served) };
    try {
      await this.#pool.request({
        ...this.#target,
        path: `${PATH}/reply`,
        method: "POST",
        headers,
        body: served.kind === "answer" ? served.body : new Uint8Array(0),
        signal: this.closing.signal,
        bytesMax: 1_024,
        isIdempotent: true, // A second one finds that nobody waits any more.
      });
    } catch (error) {
      this.close(`a reply did not get through: ${error instanceof Error ? error.message : error}`);
    }
  }
}

export function linkHeaders(key: string): Readonly<Record<string, string>> {
  return { [HEADER.VERSION]: String(PROTOCOL_VERSION), [HEADER.LINK]: key, "content-type": BODY_TYPE };
}

function refusalHeader(served: Served): Readonly<Record<string, string>> {
  return served.kind === "refusal" ? { [HEADER.REFUSAL]: served.code } : {};
}
