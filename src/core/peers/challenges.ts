import type { Clock, Entropy } from "../ports.ts";
import { isProof, NONCE_BYTES, proofOf } from "./token.ts";

const LIFE_MS = 10_000;
/** Strangers may ask for so many at a time; the oldest give way. */
const CHALLENGES_MAX = 256;

/** The listener's half of the proof that both sides know one token. */
export class Challenges {
  readonly #token: string;
  readonly #deps: { readonly clock: Pick<Clock, "monotonicMs">; readonly entropy: Entropy };
  /** By the dialler's nonce, oldest first. */
  readonly #open = new Map<string, { readonly nonce: string; readonly untilMs: number }>();

  constructor(token: string, deps: { readonly clock: Pick<Clock, "monotonicMs">; readonly entropy: Entropy }) {
    this.#token = token;
    this.#deps = deps;
  }

  /** What the dialler has to sign, and our own proof, by which it knows us. @param theirs the dialler's nonce, hex */
  issue(theirs: string): { readonly nonce: string; readonly proof: string } {
    const nonce = Buffer.from(this.#deps.entropy.bytes(NONCE_BYTES)).toString("hex");
    this.#open.delete(theirs);
    this.#open.set(theirs, { nonce, untilMs: this.#deps.clock.monotonicMs() + LIFE_MS });
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= CHALLENGES_MAX) break;
      this.#open.delete(oldest);
    }
    return { nonce, proof: proofOf(this.#token, "listener", [theirs, nonce]) };
  }

  /** Whether the dialler has signed what it was asked to; each challenge serves once. */
  isMet(theirs: string, proof: unknown): boolean {
    const challenge = this.#open.get(theirs);
    this.#open.delete(theirs);
    if (challenge === undefined || challenge.untilMs < this.#deps.clock.monotonicMs()) return false;
    return isProof(this.#token, "dialler", [theirs, challenge.nonce], proof);
  }
}
