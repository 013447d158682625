/* Every block function against FIPS 180-4's vectors and against mbedTLS. */
#include "core/common.h"

#include <psa/crypto.h>

#include "core/env.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "test.h"

enum { LONGEST = 4096 };

typedef void (*blocks_fn)(uint32_t state[8], const uint8_t *data, size_t blocks);

typedef struct backend {
    const char *name;
    blocks_fn blocks;
} backend;

/* The block functions that can run here. */
static size_t backends(backend out[2])
{
    size_t n = 0;
    out[n++] = (backend){"portable", koc__sha256_blocks_portable};
#if defined(__x86_64__) || defined(__i386__)
    if (koc__sha256_x86_usable()) {
        out[n++] = (backend){"sha-ni", koc__sha256_blocks_x86};
    }
#elif defined(__aarch64__)
    if (koc__sha256_arm_usable()) {
        out[n++] = (backend){"armv8", koc__sha256_blocks_arm};
    }
#endif
    return n;
}

/* Pads on its own, so that one block function does all of the work. */
static void hash_with(blocks_fn blocks, const uint8_t *data, size_t len, uint8_t out[32])
{
    koc__sha256 h;
    uint8_t tail[128] = {0};
    size_t rest = len % 64;
    size_t tail_len = rest < 56 ? 64 : 128;
    koc__sha256_init(&h);
    blocks(h.state, data, len / 64);
    if (rest > 0) {
        memcpy(tail, data + len - rest, rest);
    }
    tail[rest] = 0x80;
    for (unsigned i = 0; i < 8; i++) {
        tail[tail_len - 1 - i] = (uint8_t)((uint64_t)len * 8 >> 8 * i);
    }
    blocks(h.state, tail, tail_len / 64);
    for (unsigned i = 0; i < 32; i++) {
        out[i] = (uint8_t)(h.state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

static uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

static void fill(uint8_t *data, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)next_random(&seed);
    }
}

static void mbedtls_sha256_of(const uint8_t *data, size_t len, uint8_t out[32])
{
    size_t n = 0;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, data, len, out, 32, &n), PSA_SUCCESS);
    assert_int_equal(n, 32);
}

static void assert_digest_of(const char *text, const char *expected)
{
    koc_digest d;
    koc__sha256_of(text, strlen(text), &d);
    assert_string_equal(koc__digest_hex(&d).s, expected);
}

KOC_TEST(sha256_gives_the_nist_vectors)
{
    assert_digest_of("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest_of("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_digest_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

KOC_TEST(sha256_gives_the_vector_of_a_million_a)
{
    koc__sha256 h;
    koc_digest d;
    char chunk[1000];
    memset(chunk, 'a', sizeof(chunk));
    koc__sha256_init(&h);
    for (int i = 0; i < 1000; i++) {
        koc__sha256_update(&h, chunk, sizeof(chunk));
    }
    koc__sha256_digest(&h, &d);
    assert_int_equal(d.algorithm, KOC_DIGEST_SHA256);
    assert_int_equal(d.len, 32);
    assert_string_equal(koc__digest_hex(&d).s,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

KOC_TEST(sha256_backends_agree_with_mbedtls_for_every_length)
{
    backend all[2];
    size_t n = backends(all);
    uint8_t *data = malloc(LONGEST);
    assert_non_null(data);
    fill(data, LONGEST, 1);
    for (size_t len = 0; len <= LONGEST; len++) {
        uint8_t expected[32], actual[32];

        /* From the end: no length starts on the same alignment as the one before. */
        mbedtls_sha256_of(data + LONGEST - len, len, expected);
        for (size_t i = 0; i < n; i++) {
            hash_with(all[i].blocks, data + LONGEST - len, len, actual);
            if (memcmp(expected, actual, 32) != 0) {
                fail_msg("%s is wrong for %zu bytes", all[i].name, len);
            }
        }
    }
    free(data);
}

KOC_TEST(sha256_does_not_depend_on_how_the_input_is_split)
{
    uint8_t *data = malloc(LONGEST);
    uint32_t seed = 12345;
    assert_non_null(data);
    fill(data, LONGEST, 2);
    for (size_t round = 0; round < 2000; round++) {
        size_t len = next_random(&seed) % (LONGEST + 1);
        uint32_t most = 2 + next_random(&seed) % 200;
        uint8_t expected[32], actual[32];
        koc__sha256 h;

        koc__sha256_init(&h);
        for (size_t at = 0; at < len;) {
            size_t wanted = next_random(&seed) % most;
            size_t n = KOC__MIN(wanted, len - at);

            koc__sha256_update(&h, data + at, n);
            at += n;
            if (n == 0) {
                koc__sha256_update(&h, NULL, 0);
            }
        }
        koc__sha256_final(&h, actual);
        mbedtls_sha256_of(data, len, expected);
        assert_memory_equal(actual, expected, 32);
    }
    free(data);
}

KOC_TEST(sha256_splits_every_two_block_message_at_every_place)
{
    uint8_t data[192], expected[32], actual[32];
    fill(data, sizeof(data), 3);
    mbedtls_sha256_of(data, sizeof(data), expected);
    for (size_t i = 0; i <= sizeof(data); i++) {
        koc__sha256 h;

        koc__sha256_init(&h);
        koc__sha256_update(&h, data, i);
        koc__sha256_update(&h, data + i, sizeof(data) - i);
        koc__sha256_final(&h, actual);
        assert_memory_equal(actual, expected, 32);
    }
}

/* The dispatcher chooses once a process, so the forced choice is looked at in a second one. */
KOC_TEST(sha256_backend_obeys_koc_cpu)
{
    if (koc__streq(koc__env("KOC_CPU"), "portable")) {
        assert_string_equal(koc__sha256_backend(), "portable");
        assert_digest_of("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_string_equal(koc__sha256_backend(), "portable");
        return;
    }
    backend all[2];
    size_t n = backends(all);

    assert_string_equal(koc__sha256_backend(), all[n - 1].name);
#ifdef __linux__
    const char *argv[] = {"/proc/self/exe", "sha256_backend_obeys_koc_cpu", NULL};
    const char *env[] = {"KOC_CPU=portable", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    koc__proc p = {.argv = argv, .env = env};

    /* The link names the child itself by the time execve follows it; ours is meant. */
    KOC__AUTO_STR self = realpath("/proc/self/exe", NULL);
    argv[0] = self;
    assert_int_equal(koc__proc_run(&p, NULL, &result, NULL), KOC_OK);
    assert_int_equal(result.exit_code, 0);
#endif
}
