import { LinkError, type MessageKind } from "./link.ts";
import { MESSAGE_KINDS, MESSAGE_LIMITS } from "./messages.ts";

/*
 * What the listener sends down the dialler's stream: a length (u32, of what follows it), a request's number (u32), a kind (u8),
 * a body. A length of 0 is a sign of life.
 */

const HEAD = 5;
const NUMBER_OF_KIND = new Map(MESSAGE_KINDS.map((kind, index) => [kind, index]));

export const SIGN_OF_LIFE = Buffer.alloc(4);

export interface Frame {
  readonly id: number;
  readonly kind: MessageKind;
  readonly body: Uint8Array;
}

export function encodeFrame({ id, kind, body }: Frame): Buffer {
  const frame = Buffer.allocUnsafe(4 + HEAD + body.length);
  frame.writeUInt32LE(HEAD + body.length, 0);
  frame.writeUInt32LE(id, 4);
  frame.writeUInt8(NUMBER_OF_KIND.get(kind)!, 8);
  frame.set(body, 9);
  return frame;
}

/** Cuts a stream into frames; never holds more than one that is within its kind's limit. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /** Whole frames that end in `chunk`. @throws LinkError link-garbled */
  push(chunk: Buffer): readonly Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Frame[] = [];
    for (let size = this.#nextSize(); size !== undefined && this.#length >= size; size = this.#nextSize()) {
      const bytes = this.#take(size);
      if (size > 4) frames.push(frameIn(bytes));
    }
    return frames;
  }

  /** Of the next frame with its length; undefined while that is not known. */
  #nextSize(): number | undefined {
    if (this.#length < 4) return undefined;
    if (this.#chunks[0]!.length < 4 + HEAD && this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    const first = this.#chunks[0]!;
    const length = first.readUInt32LE(0);
    if (length === 0) return 4;
    if (length < HEAD) throw garbled(`a frame of ${length} bytes`);
    if (first.length < 4 + HEAD) return undefined;
    const kind = MESSAGE_KINDS[first.readUInt8(8)];
    if (kind === undefined) throw garbled(`kind ${first.readUInt8(8)}`);
    if (length - HEAD > MESSAGE_LIMITS[kind].askBytesMax) throw garbled(`${kind} with ${length - HEAD} bytes`);
    return 4 + length;
  }

  #take(size: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = all.length === size ? [] : [all.subarray(size)];
    this.#length -= size;
    return all.subarray(0, size);
  }
}

function frameIn(bytes: Buffer): Frame {
  return { id: bytes.readUInt32LE(4), kind: MESSAGE_KINDS[bytes.readUInt8(8)]!, body: bytes.subarray(9) };
}

function garbled(what: string): LinkError {
  return new LinkError("link-garbled", `the other side sent ${what}`);
}
