/*
 * SHA-256 on a machine that is not this one: the CPU kernel against the portable one, over lengths
 * around every boundary, and both against FIPS 180-4's own example. Run under qemu-user by
 * tests/foreign/foreign.py; prints the back-end that ran.
 */
#include "core/common.h"

#include "core/hash/sha256.h"

#include <stdio.h>

#include "core/env.h"
#include "core/str.h"

/* These stand for core/env.c and core/str.c, which want more of a system than this test needs. */
const char *koc__env(const char *name)
{
    (void)name;
    return NULL;
}

bool koc__streq(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const uint8_t abc[32] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

/* The digest by the portable block function alone. */
static void hash_portable(const uint8_t *data, size_t len, uint8_t out[32])
{
    uint8_t tail[128] = {0};
    size_t whole = len / 64;
    size_t rest = len % 64;
    size_t blocks = rest < 56 ? 1 : 2;
    koc__sha256 h;
    koc__sha256_init(&h);
    koc__sha256_blocks_portable(h.state, data, whole);
    memcpy(tail, data + whole * 64, rest);
    tail[rest] = 0x80;
    for (unsigned i = 0; i < 8; i++) {
        tail[blocks * 64 - 1 - i] = (uint8_t)((uint64_t)len * 8 >> (8 * i));
    }
    koc__sha256_blocks_portable(h.state, tail, blocks);
    for (unsigned i = 0; i < 32; i++) {
        out[i] = (uint8_t)(h.state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

static int check_length(const uint8_t *data, size_t len)
{
    uint8_t wanted[32];
    uint8_t got[32];
    koc__sha256 h;
    hash_portable(data, len, wanted);
    koc__sha256_init(&h);
    koc__sha256_update(&h, data, len / 3);
    koc__sha256_update(&h, data + len / 3, len - len / 3);
    koc__sha256_final(&h, got);
    return memcmp(wanted, got, 32);
}

int main(void)
{
    static uint8_t data[4096];
    uint8_t got[32];
    koc__sha256 h;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    koc__sha256_init(&h);
    koc__sha256_update(&h, "abc", 3);
    koc__sha256_final(&h, got);
    if (memcmp(got, abc, 32) != 0) {
        puts("\"abc\" has the wrong digest");
        return 1;
    }
    for (size_t len = 0; len <= 300; len++) {
        if (check_length(data + len % 5, len) != 0) {
            printf("%zu bytes have the wrong digest\n", len);
            return 1;
        }
    }
    if (check_length(data, sizeof(data)) != 0) {
        puts("4096 bytes have the wrong digest");
        return 1;
    }
    puts(koc__sha256_backend());
    return 0;
}
