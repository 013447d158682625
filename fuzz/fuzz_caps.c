/* linux_capabilities: what the encoder takes is of one size and says whether it holds anything. */
#include "fuzz.h"

#include "layer/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO(koc_strlist) terms = NULL;
    KOC__AUTO_STR text = fuzz_text(data, size);
    uint8_t encoded[KOC__CAPS_SIZE] = {0};
    bool any = false;
    koc_error *err = NULL;
    koc_str rest = koc__str(text);
    koc_str term = {0};
    FUZZ_CHECK(fuzz_ok(koc__strlist_new(&terms, &err), &err));
    while (koc__str_split(&rest, '\n', &term)) {
        FUZZ_CHECK(fuzz_ok(koc__strlist_add_n(terms, term, &err), &err));
    }
    if (fuzz_ok(koc__caps_encode(terms, &any, encoded, &err), &err)) {
        bool stored = false;
        for (size_t i = 4; i < sizeof(encoded); i++) {
            stored = stored || encoded[i];
        }
        FUZZ_CHECK(any == stored);
        FUZZ_CHECK(encoded[3] == 2 && encoded[1] == 0 && encoded[2] == 0 && encoded[0] <= 1);
    }
    return 0;
}
