#include "core/common.h"

#include "core/str.h"
#include "core/text.h"

static const char hex_digits[] = "0123456789abcdef";

void koc__hex(const uint8_t *data, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        *out++ = hex_digits[data[i] >> 4];
        *out++ = hex_digits[data[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool koc__unhex(koc_str text, uint8_t *out)
{
    if (text.len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_value(text.ptr[i]);
        int low = hex_value(text.ptr[i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        *out++ = (uint8_t)(high << 4 | low);
    }
    return true;
}

int koc__base64(koc__dynbuf *out, koc_str data, bool url_safe, koc_error **err)
{
    static const char standard[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *alphabet = url_safe ? url : standard;
    const uint8_t *in = (const uint8_t *)data.ptr;
    size_t size;

    if (!koc__mul_size(data.len / 3 + 1, 4, &size)) {
        return koc__error(err, KOC_ELIMIT, "more than the limit of %zu bytes", out->max);
    }
    KOC__TRY(koc__dynbuf_reserve(out, data.len % 3 ? size : size - 4, err));
    for (size_t left = data.len; left > 0; left -= KOC__MIN(left, 3)) {
        uint32_t bits = (uint32_t)in[0] << 16;
        char quad[4];

        bits |= left > 1 ? (uint32_t)in[1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)in[2] : 0;
        quad[0] = alphabet[bits >> 18];
        quad[1] = alphabet[bits >> 12 & 63];
        quad[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        quad[3] = left > 2 ? alphabet[bits & 63] : '=';
        KOC__TRY(koc__dynbuf_append(out, quad, 4, err));
        in += 3;
    }
    return KOC_OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : -1;
}

/* text without its padding, which must fill it up to a multiple of four. */
static bool strip_padding(koc_str *text)
{
    size_t whole = text->len;
    size_t padding = 0;
    while (padding < 2 && text->len > 0 && text->ptr[text->len - 1] == '=') {
        text->len--;
        padding++;
    }
    return padding == 0 || whole % 4 == 0;
}

int koc__unbase64(koc__dynbuf *out, koc_str text, koc_error **err)
{
    size_t before = out->len;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    bool good = strip_padding(&text) && text.len % 4 != 1;
    KOC__TRY(koc__dynbuf_reserve(out, text.len / 4 * 3 + text.len % 4 * 3 / 4, err));
    for (size_t i = 0; good && i < text.len; i++) {
        int value = base64_value(text.ptr[i]);

        good = value >= 0;
        bits = bits << 6 | (uint32_t)(value & 63);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out->ptr[out->len++] = (char)(bits >> n_bits & 0xff);
        }
    }
    /* Unused bits must be zero, so that each content has one text. */
    if (!good || (bits & ((1u << n_bits) - 1)) != 0) {
        out->len = before;
        out->ptr[out->len] = '\0';
        return koc__error(err, KOC_EFORMAT, "not valid base64");
    }
    out->ptr[out->len] = '\0';
    return KOC_OK;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int koc__percent(koc__dynbuf *out, koc_str text, const char *keep, koc_error **err)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        unsigned char byte = (unsigned char)c;

        if (is_unreserved(c) || (c != '\0' && keep && strchr(keep, c))) {
            KOC__TRY(koc__dynbuf_putc(out, c, err));
        } else {
            char code[3] = {'%', digits[byte >> 4], digits[byte & 15]};

            KOC__TRY(koc__dynbuf_append(out, code, sizeof(code), err));
        }
    }
    return KOC_OK;
}
