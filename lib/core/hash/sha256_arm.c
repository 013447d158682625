/* SHA-256 with the ARMv8 cryptographic extension (Arm ARM, SHA256H, SHA256H2, SHA256SU0, SHA256SU1). */
#include "core/common.h"

#include "core/hash/sha256.h"
#include "core/hash/sha256_rounds.h"

#if defined(__aarch64__)

/* Big-endian lanes are not worth a second form; clang before 16 hides the intrinsics behind -march. */
#if defined(__AARCH64EB__) ||                                                                      \
    (defined(__clang__) && __clang_major__ < 16 && !defined(__ARM_FEATURE_SHA2))

bool koc__sha256_arm_usable(void)
{
    return false;
}

void koc__sha256_blocks_arm(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    koc__sha256_blocks_portable(state, data, blocks);
}

#else

#include <arm_neon.h>

#if defined(__linux__) || defined(__FreeBSD__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__ARM_FEATURE_SHA2)
#define TARGET
#elif defined(__clang__)
#define TARGET __attribute__((target("sha2")))
#else
#define TARGET __attribute__((target("+crypto")))
#endif

bool koc__sha256_arm_usable(void)
{
#if defined(__linux__)
    return getauxval(AT_HWCAP) & 1u << 6; /* HWCAP_SHA2 */
#elif defined(__FreeBSD__)
    unsigned long capabilities = 0;

    return elf_aux_info(AT_HWCAP, &capabilities, sizeof(capabilities)) == 0 &&
           (capabilities & 1u << 6);
#elif defined(__APPLE__)
    int value = 0;
    size_t size = sizeof(value);

    /* Every 64-bit Apple processor has it; older systems do not know the name. */
    return sysctlbyname("hw.optional.arm.FEAT_SHA256", &value, &size, NULL, 0) != 0 || value != 0;
#else
    return false;
#endif
}

/* Four rounds with four schedule words. */
#define ROUNDS(t, words)                                                                           \
    do {                                                                                           \
        uint32x4_t x = vaddq_u32(words, vld1q_u32(koc__sha256_constants + (t)));                   \
        uint32x4_t before = abcd;                                                                  \
        abcd = vsha256hq_u32(abcd, efgh, x);                                                       \
        efgh = vsha256h2q_u32(efgh, before, x);                                                    \
    } while (0)

/* w0 = the four words after w3, given the sixteen before them. */
#define SCHEDULE(w0, w1, w2, w3) (w0) = vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3)

#define LOAD(i) vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * (i))))

TARGET void koc__sha256_blocks_arm(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    uint32x4_t abcd = vld1q_u32(state);
    uint32x4_t efgh = vld1q_u32(state + 4);
    for (; blocks > 0; blocks--, data += 64) {
        uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t w0 = LOAD(0), w1 = LOAD(1), w2 = LOAD(2), w3 = LOAD(3);

        KOC__SHA256_ROUNDS(w0, w1, w2, w3);
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

#endif
#endif
