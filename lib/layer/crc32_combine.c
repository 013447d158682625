/* Combines the CRC-32 of parts to that of the whole: arithmetic on polynomials over GF(2). */
#include "core/common.h"

#include "layer/deflate.h"

/* The polynomial of gzip's CRC (RFC 1952), lowest power in the highest bit. */
#define POLY 0xedb88320u
#define ONE  0x80000000u /* x^0 */

/* a * b modulo POLY. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = ONE; bit; bit >>= 1) {
        if (a & bit) {
            product ^= b;
        }
        b = b >> 1 ^ (b & 1 ? POLY : 0);
    }
    return product;
}

uint32_t koc__crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    /* A moves up by len_b bytes: multiply by x^(8 * len_b), found by squaring. */
    uint32_t power = ONE >> 8;
    uint32_t shift = ONE;
    for (; len_b; len_b >>= 1) {
        if (len_b & 1) {
            shift = multiply(shift, power);
        }
        power = multiply(power, power);
    }
    return multiply(shift, crc_a) ^ crc_b;
}
