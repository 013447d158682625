/* What `go list -json` prints: each package has a pattern, and what goes wrong is one line. */
#include "fuzz.h"

#include "golang/package/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO_VAL(koc__go_listing) listing = {0};
    koc_str text = fuzz_str(data, size);
    koc_error *err = NULL;
    fuzz_ok(koc__go_list_read(text, &listing, &err), &err);
    FUZZ_CHECK(listing.count <= size);
    for (size_t i = 0; i < listing.count; i++) {
        const koc__go_package *p = &listing.items[i];
        FUZZ_CHECK(!p->error || !strchr(p->error, '\n'));
    }
    KOC__AUTO_STR words = koc__go_first_words(text);
    FUZZ_CHECK(!words || !strchr(words, '\n'));
    return 0;
}
