import { DecodeError, type Reader } from "../encoding/reader.ts";
import { OUTPOINT_LENGTH } from "./outpoint.ts";

/** "extended" understands BIP144's marker and flag; "legacy" reads the form from before them. */
export type LayoutForm = "extended" | "legacy";

/** Where the parts of a transaction begin, from its first byte. */
export interface TransactionLayout {
  readonly inputs: readonly number[];
  readonly inputsEnd: number;
  readonly outputs: readonly number[];
  readonly outputsEnd: number;
  /** Start of each input's witness stack; undefined where the encoding has no marker. */
  readonly witnesses: readonly number[] | undefined;
}

const FLAG_WITNESS = 1;

/**
 * Walks over one transaction without copying and leaves the reader behind it. Accepts what Bitcoin Core's
 * UnserializeTransaction accepts: an empty input list is the marker, and then a flag of 0 means no outputs either.
 * @throws DecodeError "decode-superfluous-witness" for a marker without any witness item, "decode-unknown-flag" for other flags.
 */
export function readLayout(reader: Reader, form: LayoutForm): TransactionLayout {
  const start = reader.offset;
  reader.skip(4);
  let inputs = readInputs(reader, start);
  let inputsEnd = reader.offset - start;
  let flag = 0;
  let outputs: readonly number[] = [];
  if (inputs.length === 0 && form === "extended") {
    flag = reader.u8();
    if (flag !== 0) {
      inputs = readInputs(reader, start);
      inputsEnd = reader.offset - start;
      outputs = readOutputs(reader, start);
    }
  } else {
    outputs = readOutputs(reader, start);
  }
  const outputsEnd = reader.offset - start;
  const witnesses = flag & FLAG_WITNESS ? readWitnesses(reader, start, inputs.length) : undefined;
  if ((flag & ~FLAG_WITNESS) !== 0) {
    throw new DecodeError("unknown-flag", start + 5, `a transaction at offset ${start} has the unknown flag ${flag}`);
  }
  reader.skip(4);
  return { inputs, inputsEnd, outputs, outputsEnd, witnesses };
}

function readInputs(reader: Reader, start: number): readonly number[] {
  const count = reader.compactSize();
  const at: number[] = [];
  for (let i = 0; i < count; i++) {
    at.push(reader.skip(OUTPOINT_LENGTH) - start);
    reader.skip(reader.compactSize());
    reader.skip(4);
  }
  return at;
}

function readOutputs(reader: Reader, start: number): readonly number[] {
  const count = reader.compactSize();
  const at: number[] = [];
  for (let i = 0; i < count; i++) {
    at.push(reader.skip(8) - start);
    reader.skip(reader.compactSize());
  }
  return at;
}

function readWitnesses(reader: Reader, start: number, count: number): readonly number[] {
  const at: number[] = [];
  let items = 0;
  for (let i = 0; i < count; i++) {
    at.push(reader.offset - start);
    const stack = reader.compactSize();
    for (let item = 0; item < stack; item++) reader.skip(reader.compactSize());
    items += stack;
  }
  if (items === 0) {
    throw new DecodeError("superfluous-witness", start, `a transaction at offset ${start} has a witness marker and no witness`);
  }
  return at;
}
