/*
 * What the targets share. A target is one file with LLVMFuzzerTestOneInput: clang's libFuzzer drives it
 * in a build with -Dfuzz=true, standalone.c drives it in the tests. It may fail in no way but a finding.
 */
#ifndef KOC_FUZZ_H
#define KOC_FUZZ_H

#include "core/common.h"

#include "core/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of the code under test; it holds in every build, also with NDEBUG. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* rc came with err: a code and an error go together, and what the error says is one line. Clears err. */
static inline bool fuzz_ok(int rc, koc_error **err)
{
    FUZZ_CHECK((rc == KOC_OK) == (*err == NULL));
    if (rc == KOC_OK) {
        return true;
    }
    const char *message = koc_error_message(*err);
    FUZZ_CHECK(koc_error_code(*err) == rc);
    FUZZ_CHECK(message[0] != '\0');
    FUZZ_CHECK(koc__str_utf8(koc__str(message)));
    for (const char *p = message; *p; p++) {
        FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
    koc__error_clear(err);
    return false;
}

static inline koc_str fuzz_str(const uint8_t *data, size_t size)
{
    return koc__str_n((const char *)data, size);
}

/* The input as a C string, cut at its first NUL. Free it with koc__free. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = koc__malloc(size + 1);
    FUZZ_CHECK(text);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    return text;
}

#endif
