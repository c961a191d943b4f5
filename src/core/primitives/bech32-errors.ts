const DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const LENGTH_MAX = 90;
const CHECKSUM_LENGTH = 6;
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CONSTANTS = { Bech32: 1, Bech32m: 0x2bc830a3 } as const;

/** What is wrong with a bech32 string and where, in Bitcoin Core's words (bech32::LocateErrors); undefined if its checksum holds. */
export interface Bech32Fault {
  readonly message: string;
  /** Indexes of characters. */
  readonly locations: readonly number[];
}

/** Finds up to two wrong characters: the checksum is linear, so the residue of a wrong string is the sum of its errors' residues. */
export function locateBech32Errors(text: string): Bech32Fault | undefined {
  if (text.length > LENGTH_MAX) {
    return { message: "Bech32 string too long", locations: range(LENGTH_MAX, text.length) };
  }
  const badCharacters = findBadCharacters(text);
  if (badCharacters.length > 0) return { message: "Invalid character or mixed case", locations: badCharacters };
  const separator = text.lastIndexOf("1");
  if (separator === -1) return { message: "Missing separator", locations: [] };
  if (separator === 0 || separator + CHECKSUM_LENGTH >= text.length) {
    return { message: "Invalid separator position", locations: [separator] };
  }
  const lower = text.toLowerCase();
  const values = Array.from(lower.slice(separator + 1), (digit) => DIGITS.indexOf(digit));
  const badDigit = values.indexOf(-1);
  if (badDigit !== -1) return { message: "Invalid Base 32 character", locations: [separator + 1 + badDigit] };
  return locateWrongDigits(lower.slice(0, separator), values);
}

function locateWrongDigits(prefix: string, values: readonly number[]): Bech32Fault | undefined {
  const expanded = [...Array.from(prefix, (c) => c.charCodeAt(0) >> 5), 0, ...Array.from(prefix, (c) => c.charCodeAt(0) & 31)];
  const checksum = polymod([...expanded, ...values]);
  const residues = residuesOfOneError(values.length);
  let best: { readonly name: string; readonly at: readonly number[] } | undefined;
  for (const [name, constant] of Object.entries(CONSTANTS)) {
    const residue = checksum ^ constant;
    if (residue === 0) return undefined;
    const at = explain(residue, residues);
    if (at !== undefined && (best === undefined || at.length < best.at.length)) best = { name, at };
  }
  if (best === undefined) return { message: "Invalid checksum", locations: [] };
  const locations = best.at.map((index) => prefix.length + 1 + index).sort((a, b) => a - b);
  return { message: `Invalid ${best.name} checksum`, locations };
}

/** Residue of every single wrong digit, to the index of that digit. */
function residuesOfOneError(length: number): Map<number, number> {
  const residues = new Map<number, number>();
  for (let error = 1; error < 32; error++) {
    let residue = error;
    for (let index = length - 1; index >= 0; index--) {
      residues.set(residue, index);
      residue = step(residue);
    }
  }
  return residues;
}

function explain(residue: number, residues: ReadonlyMap<number, number>): readonly number[] | undefined {
  const one = residues.get(residue);
  if (one !== undefined) return [one];
  for (const [other, index] of residues) {
    const second = residues.get(residue ^ other);
    if (second !== undefined && second !== index) return [index, second];
  }
  return undefined;
}

/** Multiplies by x modulo the generator of BIP173's code. */
function step(residue: number): number {
  let next = (residue & 0x1ffffff) << 5;
  const top = residue >>> 25;
  for (let bit = 0; bit < 5; bit++) if ((top >> bit) & 1) next ^= GENERATOR[bit]!;
  return next;
}

function polymod(values: readonly number[]): number {
  return values.reduce((residue, value) => step(residue) ^ value, 1);
}

function findBadCharacters(text: string): readonly number[] {
  const first = /[a-zA-Z]/.exec(text)?.[0] ?? "a";
  const wrongCase = first >= "a" ? /[A-Z]/ : /[a-z]/;
  return range(0, text.length).filter((index) => {
    const code = text.charCodeAt(index);
    return code < 33 || code > 126 || wrongCase.test(text[index]!);
  });
}

function range(start: number, end: number): readonly number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}
