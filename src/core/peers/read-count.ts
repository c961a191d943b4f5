import { DecodeError, type Reader } from "../encoding/reader.ts";

/** A count of things that follow. @throws DecodeError for more than `max` */
export function readCount(reader: Reader, max: number): number {
  const { offset } = reader;
  const count = reader.compactSize();
  if (count > max) throw new DecodeError("count", offset, `${count} where at most ${max} are allowed`);
  return count;
}
