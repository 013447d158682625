/* WWW-Authenticate: anything may come; what is understood does not depend on where fields are split. */
#include "fuzz.h"

#include "registry/host/challenge.h"

static void read_two(koc_str a, koc_str b, koc__challenge *c)
{
    koc_error *err = NULL;
    FUZZ_CHECK(fuzz_ok(koc__challenge_read(a, c, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__challenge_read(b, c, &err), &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str all = fuzz_str(data, size);
    koc_str before = all;
    koc_str after = {0};
    KOC__AUTO_VAL(koc__challenge) one = KOC__CHALLENGE_INIT;
    KOC__AUTO_VAL(koc__challenge) two = KOC__CHALLENGE_INIT;
    koc_error *err = NULL;
    FUZZ_CHECK(fuzz_ok(koc__challenge_read(all, &one, &err), &err));
    FUZZ_CHECK(!one.bearer || one.realm);
    /* A line feed stands for two fields. */
    koc__str_cut(all, '\n', &before, &after);
    read_two(before, after, &two);
    FUZZ_CHECK(!two.bearer || two.realm);
    return 0;
}
