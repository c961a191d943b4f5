import type { ServerResponse } from "node:http";
import { BaseLink, type LinkDeps, type LinkFacts } from "./base-link.ts";
import { encodeFrame, SIGN_OF_LIFE } from "./frames.ts";
import { LinkError, type MessageKind } from "./link.ts";
import { MESSAGE_LIMITS } from "./messages.ts";
import { SIGN_OF_LIFE_MS } from "./wire.ts";

/** Bytes that wait in a stream for a dialler that does not read: four blocks. */
const STREAM_BYTES_MAX = 16_000_000;

type Answer = { readonly refusal: string } | { readonly body: Uint8Array };

/** The listener's end of a link: its questions go down the dialler's stream, and the answers come as requests. */
export class AcceptedLink extends BaseLink {
  readonly #stream: ServerResponse;
  readonly #waiting = new Map<number, { readonly kind: MessageKind; readonly resolve: (answer: Answer) => void }>();
  readonly #life: NodeJS.Timeout;
  #nextId = 1;

  constructor(facts: LinkFacts, deps: LinkDeps, stream: ServerResponse) {
    super(facts, deps);
    this.#stream = stream;
    stream.once("close", () => this.close("its stream has ended"));
    this.#life = setInterval(() => void stream.write(SIGN_OF_LIFE), SIGN_OF_LIFE_MS).unref();
  }

  override close(reason: string): void {
    super.close(reason);
    clearInterval(this.#life);
    this.#stream.end();
    // An end that the other side does not take is none.
    setTimeout(() => this.#stream.destroy(), 1_000).unref();
  }

  /** How many bytes the answer to question `id` may have; undefined when nobody waits for it. */
  answerBytesMax(id: number): number | undefined {
    const waiting = this.#waiting.get(id);
    return waiting === undefined ? undefined : MESSAGE_LIMITS[waiting.kind].answerBytesMax;
  }

  /** The dialler has answered a question. */
  answered(id: number, answer: Answer): void {
    this.#waiting.get(id)?.resolve(answer);
  }

  protected async carry(kind: MessageKind, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#stream.writableLength > STREAM_BYTES_MAX) {
      throw new LinkError("link-refused", `${this.name} does not read what it is sent`, { detail: { refusal: "busy" } });
    }
    const id = this.#nextId++ >>> 0;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting.set(id, { kind, resolve });
    try {
      this.#stream.write(encodeFrame({ id, kind, body }));
      const answer = await promise;
      if ("body" in answer) return answer.body;
      throw new LinkError("link-refused", `${this.name} refuses ${kind}: ${answer.refusal}`, {
        detail: { refusal: answer.refusal },
      });
    } finally {
      signal.removeEventListener("abort", abort);
      this.#waiting.delete(id);
    }
  }
}
