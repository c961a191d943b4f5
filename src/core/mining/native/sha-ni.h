/*
 * The scan with the SHA instructions of x86-64, for processors that have them but no AVX-512. One nonce takes a chain of instructions, each
 * of which waits for the one before; two nonces at a time fill the gaps. State as the instructions want it: ABEF and CDGH, highest word first.
 */
#include <immintrin.h>

#define SHA_NI __attribute__((target("sha,sse4.1,ssse3")))

/* Four rounds for both nonces, with words w and constants K[4 i ...]. */
#define ROUNDS(i, w)                                                          \
  do {                                                                        \
    const __m128i k = _mm_loadu_si128((const __m128i *)(K + 4 * (i)));        \
    __m128i m0 = _mm_add_epi32(w[0], k), m1 = _mm_add_epi32(w[1], k);         \
    cdgh[0] = _mm_sha256rnds2_epu32(cdgh[0], abef[0], m0);                    \
    cdgh[1] = _mm_sha256rnds2_epu32(cdgh[1], abef[1], m1);                    \
    m0 = _mm_shuffle_epi32(m0, 0x0e), m1 = _mm_shuffle_epi32(m1, 0x0e);       \
    abef[0] = _mm_sha256rnds2_epu32(abef[0], cdgh[0], m0);                    \
    abef[1] = _mm_sha256rnds2_epu32(abef[1], cdgh[1], m1);                    \
  } while (0)

/* The words sixteen after those in a, from a and the twelve that follow it; they take a's place. */
#define EXPAND_ONE(a, b, c, d) \
  a = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4)), d)
#define EXPAND(a, b, c, d)                  \
  do {                                      \
    EXPAND_ONE(a[0], b[0], c[0], d[0]);     \
    EXPAND_ONE(a[1], b[1], c[1], d[1]);     \
  } while (0)

/* Both states after the block in w0 to w3, without the addition of what they were before. */
#define COMPRESS()                                                                                                 \
  do {                                                                                                             \
    ROUNDS(0, w0); ROUNDS(1, w1); ROUNDS(2, w2); ROUNDS(3, w3);                                                    \
    for (int i = 4; i < 16; i += 4) {                                                                              \
      EXPAND(w0, w1, w2, w3); ROUNDS(i, w0);                                                                       \
      EXPAND(w1, w2, w3, w0); ROUNDS(i + 1, w1);                                                                   \
      EXPAND(w2, w3, w0, w1); ROUNDS(i + 2, w2);                                                                   \
      EXPAND(w3, w0, w1, w2); ROUNDS(i + 3, w3);                                                                   \
    }                                                                                                              \
  } while (0)

/* (a, b, e, f) and (c, d, g, h) of eight words. */
SHA_NI static inline __m128i abef_of(const uint32_t s[8]) { return _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]); }
SHA_NI static inline __m128i cdgh_of(const uint32_t s[8]) { return _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]); }

SHA_NI static int64_t scan_sha_ni(const uint32_t midstate[8], const uint32_t tail[3], uint32_t start, uint32_t count, uint32_t limit) {
  const __m128i abef_mid = abef_of(midstate), cdgh_mid = cdgh_of(midstate), abef_iv = abef_of(IV), cdgh_iv = cdgh_of(IV);
  const __m128i padding = _mm_set_epi32(0, 0, 0, (int)0x80000000u);
  for (uint32_t done = 0; done < count; done += 2) {
    __m128i abef[2] = {abef_mid, abef_mid}, cdgh[2] = {cdgh_mid, cdgh_mid};
    __m128i w0[2], w1[2], w2[2], w3[2];
    for (int n = 0; n < 2; n++) {
      const uint32_t nonce = start + done + (uint32_t)n;
      w0[n] = _mm_set_epi32((int)SWAP(nonce), (int)tail[2], (int)tail[1], (int)tail[0]);
      w1[n] = padding, w2[n] = _mm_setzero_si128(), w3[n] = _mm_set_epi32(640, 0, 0, 0);
    }
    COMPRESS();
    for (int n = 0; n < 2; n++) { /* The digest, as the first eight words of the second block: a to d, then e to h. */
      abef[n] = _mm_add_epi32(abef[n], abef_mid), cdgh[n] = _mm_add_epi32(cdgh[n], cdgh_mid);
      const __m128i feba = _mm_shuffle_epi32(abef[n], 0x1b), hgdc = _mm_shuffle_epi32(cdgh[n], 0x1b);
      w0[n] = _mm_unpacklo_epi64(feba, hgdc), w1[n] = _mm_unpackhi_epi64(feba, hgdc);
      w2[n] = padding, w3[n] = _mm_set_epi32(256, 0, 0, 0);
      abef[n] = abef_iv, cdgh[n] = cdgh_iv;
    }
    COMPRESS();
    for (int n = 0; n < 2; n++) { /* h, the word that counts most, is the lowest of CDGH. */
      const uint32_t h = (uint32_t)_mm_cvtsi128_si32(cdgh[n]) + IV[7];
      if (SWAP(h) <= limit) return done;
    }
  }
  return -1;
}

#undef ROUNDS
#undef EXPAND_ONE
#undef EXPAND
#undef COMPRESS
#undef SHA_NI
