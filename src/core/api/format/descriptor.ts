import { bytesToHex } from "../../encoding/hex.ts";

/** The characters that descriptors may have, in the order that their checksum counts them (BIP380). */
const INPUT = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
const OUTPUT = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/** The generator's five rows of 40 bits, as their upper 8 and lower 32. */
const GENERATOR_HIGH = [0xf5, 0xa9, 0x1b, 0x37, 0x64] as const;
const GENERATOR_LOW = [0xdee51989, 0xfdca3312, 0xab10e32d, 0x06b1677a, 0x4d626ffd] as const;

const PLACE = new Uint8Array(128);
for (let place = 0; place < INPUT.length; place++) PLACE[INPUT.charCodeAt(place)] = place;

/** A BCH code over 40 bits: eight characters that find up to four errors (BIP380). */
class Checksum {
  #high = 0;
  #low = 1;

  add(symbol: number): void {
    const top = this.#high >>> 3;
    this.#high = ((this.#high << 5) | (this.#low >>> 27)) & 0xff;
    this.#low = ((this.#low << 5) ^ symbol) >>> 0;
    for (let row = 0; row < 5; row++) {
      if ((top & (1 << row)) === 0) continue;
      this.#high ^= GENERATOR_HIGH[row]!;
      this.#low = (this.#low ^ GENERATOR_LOW[row]!) >>> 0;
    }
  }

  /** Eight times five bits, the highest first. */
  text(): string {
    for (let i = 0; i < 8; i++) this.add(0);
    const value = (BigInt(this.#high) << 32n) | BigInt((this.#low ^ 1) >>> 0);
    return Array.from({ length: 8 }, (_, i) => OUTPUT[Number((value >> BigInt(5 * (7 - i))) & 31n)]).join("");
  }
}

/** A descriptor with `#` and its checksum behind. */
export function withChecksum(descriptor: string): string {
  const checksum = new Checksum();
  let group = 0;
  let inGroup = 0;
  for (let i = 0; i < descriptor.length; i++) {
    const place = PLACE[descriptor.charCodeAt(i)]!;
    checksum.add(place & 31);
    group = group * 3 + (place >>> 5);
    if (++inGroup < 3) continue;
    checksum.add(group);
    group = 0;
    inGroup = 0;
  }
  if (inGroup > 0) checksum.add(group);
  return `${descriptor}#${checksum.text()}`;
}

export function rawDescriptor(script: Uint8Array): string {
  return `raw(${bytesToHex(script)})`;
}
