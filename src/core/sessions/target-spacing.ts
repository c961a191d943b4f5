import { availableParallelism } from "node:os";
import { ChainSpecError } from "../consensus/chain-spec.ts";
import { createScanner } from "../mining/kernel.ts";
import { kernelModule } from "../mining/kernel-module.ts";
import { targetToBits } from "../primitives/target.ts";

const PROBE_NONCES = 2 ** 20;
/** The first block's nonce is searched when the spec is read: with so many hashes expected that takes about a second. */
const FIRST_WORK_MAX = 2 ** 20;
const TARGET_MAX = 2n ** 255n;

/**
 * The chain spec of a private network with a block about every `seconds`, for as many miners' threads as this machine has cores.
 * Its first bits come from a measured rate, as far as the first block can still be found at once; the difficulty rule does the
 * rest within some hundred blocks.
 */
export function specForSpacing(session: string, seconds: number): Readonly<Record<string, unknown>> {
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new ChainSpecError("targetSpacingSeconds", "must be whole seconds from 1 on");
  const perSecond = measureRate() * availableParallelism();
  const work = Math.max(2, Math.min(FIRST_WORK_MAX, Math.floor(perSecond * seconds)));
  const target = 2n ** 256n / BigInt(work);
  const bits = targetToBits(target < TARGET_MAX ? target : TARGET_MAX - 1n);
  const name = session
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .replace(/^[^a-z]+/, "");
  return {
    name: `private-${name}`.slice(0, 32).replace(/-+$/, ""),
    genesis: { message: `ChainCore session ${session}`.slice(0, 80), time: Math.floor(Date.now() / 1000) },
    bits: bits.toString(16).padStart(8, "0"),
    targetSpacingSeconds: seconds,
    halvingInterval: 150,
    prefixes: { bech32: "bcrt" },
  };
}

/** Hashes per second of one thread, by a search that finds nothing. */
function measureRate(): number {
  const scanner = createScanner(kernelModule());
  scanner.setHeader(new Uint8Array(80));
  scanner.find(0, PROBE_NONCES / 4, 0n); // Warm: code that has not been optimised yet runs at half speed.
  const from = performance.now();
  scanner.find(PROBE_NONCES / 4, PROBE_NONCES, 0n);
  return PROBE_NONCES / ((performance.now() - from) / 1000);
}
