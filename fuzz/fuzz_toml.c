/* hosts.toml: anything may come; what is given is within its limits, and reading it twice gives the same. */
#include "fuzz.h"

#include "text/toml.h"

static int count(void *self, const koc__toml_item *item, koc_error **err)
{
    size_t *n = self;
    (void)err;
    FUZZ_CHECK(item->depth <= KOC__TOML_DEPTH && (item->key || item->depth > 0));
    FUZZ_CHECK(!item->key || item->kind != KOC__TOML_STRING || strlen(item->text) < KOC__TOML_TEXT);
    FUZZ_CHECK(item->index[1] < 0 || item->index[0] >= 0);
    *n += 1;
    return KOC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    koc_error *err = NULL;
    size_t first = 0, second = 0;
    FUZZ_CHECK(fuzz_ok(koc__toml_read(text, "hosts.toml", count, &first, &err), &err) || true);
    FUZZ_CHECK(fuzz_ok(koc__toml_read(text, "hosts.toml", count, &second, &err), &err) || true);
    FUZZ_CHECK(first == second);
    return 0;
}
