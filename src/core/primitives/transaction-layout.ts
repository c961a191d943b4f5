import { DecodeError, type Reader } from "../encoding/reader.ts";
import { OUTPOINT_LENGTH } from "./outpoint.ts";

/** "extended" understands BIP144's marker and flag; "legacy" reads the form from before them. */
export type LayoutForm = "extended" | "legacy";

/** Where the parts of a transaction stand. */
export interface TransactionLayout {
  readonly inputCount: number;
  readonly outputCount: number;
  /** Encoded with BIP144's marker. */
  readonly hasWitness: boolean;
  /**
   * Offsets from its first byte, one behind the other: where each input begins, where the last one ends; where each output begins,
   * where the last one ends; where each input's witness stack begins, if there are any.
   */
  readonly marks: readonly number[];
}

const FLAG_WITNESS = 1;

/** Where the marks of the transaction that is being read come together, so that it gets an array of just their number. */
const found: number[] = [];
let count = 0;

/**
 * Walks over one transaction without copying and leaves the reader behind it. Accepts what Bitcoin Core's
 * UnserializeTransaction accepts: an empty input list is the marker, and then a flag of 0 means no outputs either.
 * @throws DecodeError "decode-superfluous-witness" for a marker without any witness item, "decode-unknown-flag" for other flags.
 */
export function readLayout(reader: Reader, form: LayoutForm): TransactionLayout {
  const start = reader.offset;
  count = 0;
  reader.skip(4);
  let inputCount = readInputs(reader, start);
  let outputCount = 0;
  let flag = 0;
  if (inputCount > 0 || form === "legacy") {
    outputCount = readOutputs(reader, start);
  } else {
    flag = reader.u8();
    if (flag === 0) {
      found[count++] = reader.offset - start;
    } else {
      count = 0;
      inputCount = readInputs(reader, start);
      outputCount = readOutputs(reader, start);
    }
  }
  const hasWitness = (flag & FLAG_WITNESS) !== 0;
  if (hasWitness) readWitnesses(reader, start, inputCount);
  if ((flag & ~FLAG_WITNESS) !== 0) {
    throw new DecodeError("unknown-flag", start + 5, `a transaction at offset ${start} has the unknown flag ${flag}`);
  }
  reader.skip(4);
  return { inputCount, outputCount, hasWitness, marks: found.slice(0, count) };
}

function readInputs(reader: Reader, start: number): number {
  const inputs = reader.compactSize();
  for (let i = 0; i < inputs; i++) {
    found[count++] = reader.skip(OUTPOINT_LENGTH) - start;
    reader.skip(reader.compactSize());
    reader.skip(4);
  }
  found[count++] = reader.offset - start;
  return inputs;
}

function readOutputs(reader: Reader, start: number): number {
  const outputs = reader.compactSize();
  for (let i = 0; i < outputs; i++) {
    found[count++] = reader.skip(8) - start;
    reader.skip(reader.compactSize());
  }
  found[count++] = reader.offset - start;
  return outputs;
}

function readWitnesses(reader: Reader, start: number, inputs: number): void {
  let items = 0;
  for (let i = 0; i < inputs; i++) {
    found[count++] = reader.offset - start;
    const stack = reader.compactSize();
    for (let item = 0; item < stack; item++) reader.skip(reader.compactSize());
    items += stack;
  }
  if (items === 0) {
    throw new DecodeError("superfluous-witness", start, `a transaction at offset ${start} has a witness marker and no witness`);
  }
}
