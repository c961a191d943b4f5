/*
 * The scan for one instruction set: SCAN is its name, LANES how many nonces at a time, TARGET what the compiler may use. Included once
 * for each by kernel.c, which wants all three forgotten afterwards. Plain C: the vector type of GCC and Clang has + ^ & | << >>, and both know a rotation when they see one.
 *
 * Rounds and message schedule are written out by the loops' unrolling; constants fold and what depends on no nonce leaves the loop.
 */
#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)
#define V CAT(SCAN, _vector)

typedef uint32_t V __attribute__((vector_size(4 * LANES)));

#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define ROUND(t)                                                                                                      \
  do {                                                                                                                \
    V t1 = h + (ROTR(e, 6) ^ ROTR(e, 11) ^ ROTR(e, 25)) + (g ^ (e & (f ^ g))) + (w[(t) & 15] + K[t]);                  \
    V t2 = (ROTR(a, 2) ^ ROTR(a, 13) ^ ROTR(a, 22)) + ((a & b) | (c & (a | b)));                                      \
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;                                                \
  } while (0)
#define EXPAND(t)                                                                                                     \
  w[(t) & 15] += (ROTR(w[((t) + 1) & 15], 7) ^ ROTR(w[((t) + 1) & 15], 18) ^ w[((t) + 1) & 15] >> 3) + w[((t) + 9) & 15] + \
                 (ROTR(w[((t) + 14) & 15], 17) ^ ROTR(w[((t) + 14) & 15], 19) ^ w[((t) + 14) & 15] >> 10)

TARGET static int64_t SCAN(const uint32_t midstate[8], const uint32_t tail[3], uint32_t start,
                                                    uint32_t count, uint32_t limit) {
  const V zero = {0};
  V lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  for (uint32_t done = 0; done < count; done += LANES) {
    V nonce = zero + (start + done) + lane;
    V w[16] = {zero + tail[0], zero + tail[1], zero + tail[2], SWAP(nonce), zero + 0x80000000u};
    for (int i = 5; i < 15; i++) w[i] = zero;
    w[15] = zero + 640;
    V a = zero + midstate[0], b = zero + midstate[1], c = zero + midstate[2], d = zero + midstate[3];
    V e = zero + midstate[4], f = zero + midstate[5], g = zero + midstate[6], h = zero + midstate[7];
#pragma GCC unroll 64
    for (int t = 0; t < 64; t++) {
      if (t >= 16) EXPAND(t);
      ROUND(t);
    }
    w[0] = a + midstate[0], w[1] = b + midstate[1], w[2] = c + midstate[2], w[3] = d + midstate[3];
    w[4] = e + midstate[4], w[5] = f + midstate[5], w[6] = g + midstate[6], w[7] = h + midstate[7];
    w[8] = zero + 0x80000000u;
    for (int i = 9; i < 15; i++) w[i] = zero;
    w[15] = zero + 256;
    a = zero + IV[0], b = zero + IV[1], c = zero + IV[2], d = zero + IV[3];
    e = zero + IV[4], f = zero + IV[5], g = zero + IV[6], h = zero + IV[7];
#pragma GCC unroll 64
    for (int t = 0; t < 61; t++) { /* The word that counts most is e of round 60. */
      if (t >= 16) EXPAND(t);
      ROUND(t);
    }
    V top = SWAP(e + IV[7]);
    V hit = (V)(top <= zero + limit);
    uint32_t any = 0;
    for (int i = 0; i < LANES; i++) any |= hit[i];
    if (any) return done;
  }
  return -1;
}

#undef ROTR
#undef ROUND
#undef EXPAND
#undef V
#undef CAT
#undef CAT2
#undef SCAN
#undef LANES
#undef TARGET
