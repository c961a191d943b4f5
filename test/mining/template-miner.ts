import { createHash } from "node:crypto";

/*
 * A miner written from BIP22, 23 and 145 alone: all that it knows is the JSON of getblocktemplate, all that it makes is the hex of a
 * block, its coinbase without witness, as cpuminer sends it.
 */

/** As the BIPs have it; nothing else of the answer matters to this miner. */
export interface TemplateJson {
  readonly version: number;
  readonly previousblockhash: string;
  readonly transactions: readonly { readonly data: string; readonly txid: string }[];
  readonly coinbasevalue: number;
  readonly target: string;
  readonly curtime: number;
  readonly bits: string;
  readonly height: number;
  readonly default_witness_commitment: string;
}

const sha256d = (bytes: Buffer) => createHash("sha256").update(createHash("sha256").update(bytes).digest()).digest();
const reversed = (hex: string) => Buffer.from(hex, "hex").reverse();

function little(value: number, bytes: 4 | 8): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeUInt32LE(value >>> 0);
  else buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function coinbaseOf(template: TemplateJson): Buffer {
  const { height: number } = template;
  const height =
    number <= 16 ? Buffer.of(0x50 + number, 0) : number < 128 ? Buffer.of(1, number) : Buffer.of(2, number & 255, number >> 8);
  const commitment = Buffer.from(template.default_witness_commitment, "hex");
  return Buffer.concat([
    little(1, 4),
    Buffer.of(1),
    Buffer.alloc(32),
    little(0xffffffff, 4),
    Buffer.of(height.length),
    height,
    little(0xffffffff, 4),
    Buffer.of(2),
    ...[little(template.coinbasevalue, 8), Buffer.of(1, 0x51)],
    ...[little(0, 8), Buffer.of(commitment.length), commitment],
    little(0, 4),
  ]);
}

function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  const pairs = Array.from({ length: Math.ceil(leaves.length / 2) }, (_, at) => [
    leaves[2 * at]!,
    leaves[2 * at + 1] ?? leaves[2 * at]!,
  ]);
  return rootOf(pairs.map((pair) => sha256d(Buffer.concat(pair))));
}

/** Builds and solves a block; its hex is what submitblock would be sent. */
export function solveTemplate(template: TemplateJson): string {
  const coinbase = coinbaseOf(template);
  const root = rootOf([sha256d(coinbase), ...template.transactions.map(({ txid }) => reversed(txid))]);
  const head = Buffer.concat([
    little(template.version, 4),
    reversed(template.previousblockhash),
    root,
    little(template.curtime, 4),
    reversed(template.bits),
  ]);
  for (let nonce = 0; ; nonce++) {
    const header = Buffer.concat([head, little(nonce, 4)]);
    if (sha256d(header).reverse().toString("hex") > template.target) continue;
    const count = Buffer.of(1 + template.transactions.length);
    return Buffer.concat([header, count, coinbase]).toString("hex") + template.transactions.map(({ data }) => data).join("");
  }
}
