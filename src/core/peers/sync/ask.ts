import { DecodeError } from "../../encoding/reader.ts";
import type { Judge, MessageKind, RequestOptions } from "../link.ts";
import { LinkError } from "../link.ts";
import type { LinkState } from "./link-state.ts";

/**
 * Asks over a link and reads the answer; undefined when there is none, or it is none. The judge has been told then, but for a
 * link that has ended: nobody is to blame for that.
 */
export async function ask<T>(
  state: LinkState,
  judge: Judge,
  question: { readonly kind: MessageKind; readonly body: Uint8Array; readonly read: (answer: Uint8Array) => T } & RequestOptions,
): Promise<T | undefined> {
  const { kind, body, read, ...options } = question;
  try {
    return read(await state.link.request(kind, body, options));
  } catch (error) {
    if (error instanceof DecodeError || (error instanceof LinkError && error.code === "link-garbled")) {
      judge.misbehaved(state.link, "garbled-message", { kind, error: error.message });
      return undefined;
    }
    if (!(error instanceof LinkError)) throw error;
    if (error.code === "link-timeout") judge.disappointed(state.link, kind === "get-blocks" ? "stalled-download" : "no-answer");
    return undefined;
  }
}
