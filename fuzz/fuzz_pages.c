/*
 * Listings in pages: heads with Link fields, and where they lead. The input is the head of an answer, "--",
 * and its body.
 */
#include "fuzz.h"
#include "parts.h"

#include "http/http_message.h"
#include "http/url.h"
#include "model/model.h"
#include "registry/operations.h"

static void read_head(koc_str head, koc__headers *out)
{
    koc_str line;
    while (koc__str_split(&head, '\n', &line)) {
        koc_str name;
        koc_str value;
        KOC__AUTO_STR key = NULL;
        KOC__AUTO_STR text = NULL;
        if (koc__str_cut(line, ':', &name, &value)) {
            key = fuzz_text((const uint8_t *)name.ptr, name.len);
            text = fuzz_text((const uint8_t *)value.ptr, value.len);
            (void)koc__headers_put(out, key, text, NULL); /* refuses what no header holds */
        }
    }
}

/* A link that leads somewhere can be asked for, and says of itself whether it stays where it came from. */
static void follow(const koc__headers *headers)
{
    KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) next = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) again = KOC__URL_INIT;
    koc_error *err = NULL;
    koc_str link;
    FUZZ_CHECK(koc__url_parse(KOC__STR("https://r.example/v2/a/tags/list?n=1"), &base, &err) ==
               KOC_OK);
    if (!koc__http_next_link(headers, &link) ||
        !fuzz_ok(koc__url_resolve(&base, link, &next, &err), &err)) {
        return;
    }
    KOC__AUTO_STR text = koc__url_string(&next);
    FUZZ_CHECK(text && next.target[0] == '/');
    FUZZ_CHECK(fuzz_ok(koc__url_parse(koc__str(text), &again, &err), &err));
    FUZZ_CHECK(koc__streq(again.host, next.host) && koc__streq(again.target, next.target));
    FUZZ_CHECK(koc__url_same_origin(&again, &next));
    if (koc__url_same_origin(&base, &next)) {
        FUZZ_CHECK(next.https && koc__streq(next.host, "r.example") && next.port == 443);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO(koc_strlist) tags = NULL;
    koc_str rest = fuzz_str(data, size);
    koc_error *err = NULL;
    read_head(next_part(&rest), &headers);
    follow(&headers);
    FUZZ_CHECK(koc__strlist_new(&tags, &err) == KOC_OK);
    fuzz_ok(koc__listing_read(rest, "tags", koc__is_tag, 100, tags, &err), &err);
    FUZZ_CHECK(koc_strlist_count(tags) <= 100);
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        FUZZ_CHECK(koc__is_tag(koc__str(koc_strlist_get(tags, i))));
    }
    return 0;
}
