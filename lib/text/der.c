#include "core/common.h"

#include "text/der.h"

#include "core/str.h"

bool koc__der_read(koc_str *rest, uint8_t tag, koc_str *content)
{
    const uint8_t *p = (const uint8_t *)rest->ptr;
    size_t len, head = 2;
    if (rest->len < 2 || p[0] != tag) {
        return false;
    }
    len = p[1];
    if (len & 0x80) {
        size_t digits = len & 0x7f;
        if (digits < 1 || digits > 4 || rest->len < 2 + digits) {
            return false;
        }
        len = 0;
        for (size_t i = 0; i < digits; i++) {
            len = len << 8 | p[2 + i];
        }
        head += digits;
    }
    if (len > rest->len - head) {
        return false;
    }
    *content = koc__str_n(rest->ptr + head, len);
    *rest = koc__str_from(*rest, head + len);
    return true;
}
