/*
 * The optional native mining kernel: what sha256-modules.ts generates as WebAssembly, in plain C for wider vectors. Built only when asked
 * (npm run build:native); native-kernel.ts loads it where it is there, tests it against the other and times its variants.
 */
#include <node_api.h>
#include <stdint.h>

/* FIPS 180-4, 5.3.3 and 4.2.2. */
static const uint32_t IV[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define SWAP(x) ((x) << 24 | ((x) & 0xff00) << 8 | ((x) >> 8 & 0xff00) | (x) >> 24)

#if defined(__x86_64__)
#define SCAN scan_avx512
#define LANES 16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#include "lanes.h"
#define SCAN scan_avx2
#define LANES 8
#define TARGET __attribute__((target("avx2")))
#include "lanes.h"
#if defined(__has_include) /* GCC 5, Clang 3.8 and later know the SHA instructions too; older compilers build the rest. */
#if __has_include(<cpuid.h>) && (defined(__clang__) || __GNUC__ >= 5)
#define HAS_SHA_NI
#include <cpuid.h>
#include "sha-ni.h"
#endif
#endif
#else /* On x86-64 without AVX2 WebAssembly is as fast. */
#define SCAN scan_generic
#define LANES 4
#define TARGET
#include "lanes.h"
#endif

typedef int64_t (*Scan)(const uint32_t midstate[8], const uint32_t tail[3], uint32_t start, uint32_t count, uint32_t limit);

typedef struct {
  const char *name;
  uint32_t lanes;
  Scan scan;
} Variant;

static Variant variants[4];
static uint32_t variant_count = 0;

#if defined(HAS_SHA_NI)
/* Leaf 7, EBX, bit 29; not every compiler that knows the instructions knows their name in __builtin_cpu_supports. */
static int cpu_has_sha_ni(void) {
  uint32_t a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}
#endif

static void find_variants(void) {
  uint32_t count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    variants[count++] = (Variant){"native-avx512", 16, scan_avx512};
  if (__builtin_cpu_supports("avx2")) variants[count++] = (Variant){"native-avx2", 8, scan_avx2};
#if defined(HAS_SHA_NI)
  if (cpu_has_sha_ni()) variants[count++] = (Variant){"native-sha-ni", 2, scan_sha_ni};
#endif
#else
  variants[count++] = (Variant){"native-generic", 4, scan_generic};
#endif
  variant_count = count;
}

#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* The state after a header's first 64 bytes, sixteen words. */
static void first_block(const uint32_t words[16], uint32_t state[8]) {
  uint32_t w[64], s[8];
  for (int t = 0; t < 16; t++) w[t] = words[t];
  for (int t = 16; t < 64; t++)
    w[t] = w[t - 16] + (ROTR(w[t - 15], 7) ^ ROTR(w[t - 15], 18) ^ w[t - 15] >> 3) + w[t - 7] +
           (ROTR(w[t - 2], 17) ^ ROTR(w[t - 2], 19) ^ w[t - 2] >> 10);
  for (int i = 0; i < 8; i++) s[i] = IV[i];
  for (int t = 0; t < 64; t++) {
    uint32_t t1 = s[7] + (ROTR(s[4], 6) ^ ROTR(s[4], 11) ^ ROTR(s[4], 25)) + (s[6] ^ (s[4] & (s[5] ^ s[6]))) + K[t] + w[t];
    uint32_t t2 = (ROTR(s[0], 2) ^ ROTR(s[0], 13) ^ ROTR(s[0], 22)) + ((s[0] & s[1]) | (s[2] & (s[0] | s[1])));
    for (int i = 7; i > 0; i--) s[i] = s[i - 1];
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] = IV[i] + s[i];
}

/* scan(variant, words, start, count, limit): as the generated kernel; words are the header's first nineteen. */
static napi_value js_scan(napi_env env, napi_callback_info info) {
  napi_value argv[5], result;
  size_t argc = 5, length = 0;
  uint32_t variant = 0, start = 0, count = 0, limit = 0, midstate[8];
  napi_typedarray_type type;
  void *words = NULL;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc != 5 || napi_get_value_uint32(env, argv[0], &variant) != napi_ok || variant >= variant_count ||
      napi_get_typedarray_info(env, argv[1], &type, &length, &words, NULL, NULL) != napi_ok || type != napi_uint32_array || length < 19 ||
      napi_get_value_uint32(env, argv[2], &start) != napi_ok || napi_get_value_uint32(env, argv[3], &count) != napi_ok ||
      napi_get_value_uint32(env, argv[4], &limit) != napi_ok) {
    napi_throw_type_error(env, NULL, "scan(variant, words, start, count, limit)");
    return NULL;
  }
  first_block(words, midstate);
  const uint32_t *tail = (const uint32_t *)words + 16;
  napi_create_double(env, (double)variants[variant].scan(midstate, tail, start, count, limit), &result);
  return result;
}

/* Names and lanes of the variants that this CPU can run. */
static napi_value variant_list(napi_env env) {
  napi_value list, item, value;
  napi_create_array(env, &list);
  for (uint32_t i = 0; i < variant_count; i++) {
    napi_create_object(env, &item);
    napi_create_string_utf8(env, variants[i].name, NAPI_AUTO_LENGTH, &value);
    napi_set_named_property(env, item, "name", value);
    napi_create_uint32(env, variants[i].lanes, &value);
    napi_set_named_property(env, item, "lanes", value);
    napi_set_element(env, list, i, item);
  }
  return list;
}

/* Worker threads load it too; nothing is kept but the list, which is the same for all. */
NAPI_MODULE_INIT() {
  napi_value function;
  find_variants();
  napi_create_function(env, "scan", NAPI_AUTO_LENGTH, js_scan, NULL, &function);
  napi_set_named_property(env, exports, "scan", function);
  napi_set_named_property(env, exports, "variants", variant_list(env));
  return exports;
}
