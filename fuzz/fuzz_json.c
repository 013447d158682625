/* JSON: what the reader takes, our printer writes so that it reads back as the same document. */
#include "fuzz.h"

#include "text/json.h"
#include "text/json_write.h"

enum { MAX = 1 << 20 };

static void same(const koc__jnode *a, const koc__jnode *b)
{
    FUZZ_CHECK(koc__json_type(a) == koc__json_type(b));
    FUZZ_CHECK(koc__json_count(a) == koc__json_count(b));
    FUZZ_CHECK(koc__json_true(a) == koc__json_true(b));
    FUZZ_CHECK(koc__streq(koc__json_str(a), koc__json_str(b)));
    FUZZ_CHECK(koc__streq(koc__json_number(a), koc__json_number(b)));
    const koc__jnode *y = koc__json_child(b);
    for (const koc__jnode *x = koc__json_child(a); x; x = koc__json_next(x)) {
        FUZZ_CHECK(koc__streq(koc__json_name(x), koc__json_name(y)));
        if (koc__json_is(a, KOC__JSON_OBJECT)) {
            FUZZ_CHECK(koc__json_get(a, koc__json_name(x)) == x);
        }
        same(x, y);
        y = koc__json_next(y);
    }
}

static void print(const koc__json *doc, int indent, uint32_t flags, koc__dynbuf *out)
{
    koc__jw w;
    koc_error *err = NULL;
    koc__jw_begin(&w, out, indent, flags);
    koc__jw_node(&w, koc__json_root(doc));
    FUZZ_CHECK(fuzz_ok(koc__jw_end(&w, &err), &err));
}

static void check_print(const koc__json *doc, int indent, uint32_t flags)
{
    KOC__AUTO_VAL(koc__dynbuf) first = KOC__DYNBUF_INIT((size_t)256 << 20);
    KOC__AUTO_VAL(koc__dynbuf) second = KOC__DYNBUF_INIT((size_t)256 << 20);
    KOC__AUTO(koc__json) again = NULL;
    koc_error *err = NULL;
    print(doc, indent, flags, &first);
    int rc = koc__json_parse(koc__dynbuf_view(&first), first.len, "print", &again, &err);
    FUZZ_CHECK(fuzz_ok(rc, &err));
    same(koc__json_root(doc), koc__json_root(again));
    print(again, indent, flags, &second);
    FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&first), koc__dynbuf_view(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc_error *err = NULL;
    if (fuzz_ok(koc__json_parse(fuzz_str(data, size), MAX, "input", &doc, &err), &err)) {
        check_print(doc, 0, 0);
        check_print(doc, 2, KOC__JW_GO);
    }
    return 0;
}
