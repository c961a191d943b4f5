/** FIPS 180-4, 4.2.2 and 5.3.3: fractional bits of the roots of the first primes, computed rather than typed in. */

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/** floor(frac(prime ^ (1 / degree)) * 2^32), exactly: an integer root of prime * 2^(32 * degree), its low 32 bits. */
function rootFraction(prime: number, degree: 2 | 3): number {
  const scaled = BigInt(prime) << BigInt(32 * degree);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= scaled) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}

/** The 64 round constants. */
export const ROUND_CONSTANTS: readonly number[] = firstPrimes(64).map((prime) => rootFraction(prime, 3));

/** The eight words of the initial state. */
export const INITIAL_STATE: readonly number[] = firstPrimes(8).map((prime) => rootFraction(prime, 2));
