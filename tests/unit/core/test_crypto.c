#include "core/common.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/hash/crypto.h"
#include "core/str.h"
#include "core/text.h"
#include "test.h"

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
    char text[2 * 64 + 1];
    koc__hex(data, len, text);
    assert_string_equal(text, expected);
}

KOC_TEST(crypto_gives_the_published_vectors)
{
    uint8_t out[64];
    koc__sha512_state *s = NULL;

    assert_int_equal(koc__sha512_new(&s, NULL), KOC_OK);
    assert_int_equal(koc__sha512_update(s, "a", 1, NULL), KOC_OK);
    assert_int_equal(koc__sha512_update(s, "bc", 2, NULL), KOC_OK);
    assert_int_equal(koc__sha512_finish(s, out, NULL), KOC_OK);
    koc__sha512_free(s);
    koc__sha512_free(NULL);
    assert_hex(out, 64,
               "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    assert_int_equal(koc__sha1(KOC__STR("abc"), out, NULL), KOC_OK);
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(koc__md5(KOC__STR("message digest"), out, NULL), KOC_OK);
    assert_hex(out, 16, "f96b697d7cb7938d525a2f31aaf161d0");
    assert_int_equal(koc__md5((koc_str){NULL, 0}, out, NULL), KOC_OK);
    assert_hex(out, 16, "d41d8cd98f00b204e9800998ecf8427e");
}

/* RFC 4231, test cases 1, 2, 4 and 6. */
KOC_TEST(hmac_sha256_gives_the_vectors_of_rfc_4231)
{
    char key[131], data[50];
    uint8_t out[32];
    memset(key, 0x0b, 20);
    assert_int_equal(koc__hmac_sha256(koc__str_n(key, 20), KOC__STR("Hi There"), out, NULL), 0);
    assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(
        koc__hmac_sha256(KOC__STR("Jefe"), KOC__STR("what do ya want for nothing?"), out, NULL), 0);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    for (int i = 0; i < 25; i++) {
        key[i] = (char)(i + 1);
    }
    memset(data, 0xcd, sizeof(data));
    assert_int_equal(koc__hmac_sha256(koc__str_n(key, 25), koc__str_n(data, 50), out, NULL), 0);
    assert_hex(out, 32, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    memset(key, 0xaa, sizeof(key));
    assert_int_equal(
        koc__hmac_sha256(koc__str_n(key, sizeof(key)),
                         KOC__STR("Test Using Larger Than Block-Size Key - Hash Key First"), out,
                         NULL),
        0);
    assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

KOC_TEST(hmac_sha256_takes_an_empty_key_and_empty_data)
{
    uint8_t out[32];
    char key[64];
    assert_int_equal(koc__hmac_sha256((koc_str){NULL, 0}, (koc_str){NULL, 0}, out, NULL), KOC_OK);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    memset(key, 0, sizeof(key)); /* a key of a whole block of zeros is the same as none */
    assert_int_equal(koc__hmac_sha256(koc__str_n(key, 64), (koc_str){NULL, 0}, out, NULL), KOC_OK);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

KOC_TEST(random_bytes_differ_and_fill_large_requests)
{
    static uint8_t a[5000], b[5000];
    size_t zeros = 0;
    assert_int_equal(koc__random(a, sizeof(a), NULL), KOC_OK);
    assert_int_equal(koc__random(b, sizeof(b), NULL), KOC_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = sizeof(a) - 400; i < sizeof(a); i++) {
        zeros += a[i] == 0;
    }
    assert_true(zeros < 50);
    assert_int_equal(koc__random(NULL, 0, NULL), KOC_OK);
}

KOC_TEST(random_bytes_of_a_forked_child_are_its_own)
{
    uint8_t mine[32], theirs[32] = {0};
    int ends[2], status = 0;
    assert_int_equal(koc__random(mine, sizeof(mine), NULL), KOC_OK);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        int rc = koc__random(theirs, sizeof(theirs), NULL);
        _exit(rc || write(ends[1], theirs, sizeof(theirs)) != (ssize_t)sizeof(theirs));
    }
    assert_int_equal(koc__random(mine, sizeof(mine), NULL), KOC_OK);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_memory_not_equal(mine, theirs, sizeof(mine));
    close(ends[0]);
    close(ends[1]);
}

KOC_TEST(crypto_names_its_version)
{
    assert_int_equal(strncmp(koc__crypto_version(), "mbedTLS ", 8), 0);
    assert_true(strlen(koc__crypto_version()) > 10);
    assert_ptr_equal(koc__crypto_version(), koc__crypto_version());
}

static void *hash_often(void *arg)
{
    uint8_t out[64];
    bool *good = arg;
    *good = true;
    for (int i = 0; i < 200; i++) {
        koc__sha512_state *s = NULL;

        *good = *good && koc__sha512_new(&s, NULL) == KOC_OK &&
                koc__sha512_update(s, "abc", 3, NULL) == KOC_OK &&
                koc__sha512_finish(s, out, NULL) == KOC_OK && out[0] == 0xdd && out[63] == 0x9f;
        koc__sha512_free(s);
        *good = *good && koc__hmac_sha256(KOC__STR("Jefe"), KOC__STR("x"), out, NULL) == KOC_OK;
    }
    return NULL;
}

KOC_TEST(crypto_is_safe_between_threads)
{
    pthread_t threads[8];
    bool good[8];
    for (size_t i = 0; i < KOC__COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_often, &good[i]), 0);
    }
    for (size_t i = 0; i < KOC__COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_true(good[i]);
    }
}
