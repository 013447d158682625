/*
 * The resolver on any bytes: with nothing to replace they come back as they are; with replacements the
 * events differ in the scalars that were replaced, and in nothing else.
 */
#include "fuzz.h"

#include <koc/resolve.h>

#include "core/dynbuf.h"
#include "text/yaml_events.h"

#define MAX    ((size_t)1 << 20)
#define PREFIX "ko://"
#define IMAGE                                                                                      \
    "r.test:5000/x/y@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

static int append(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static bool is_string(const koc__yevent *e)
{
    return !e->tag || strcmp(e->tag, "!") == 0 || strcmp(e->tag, "tag:yaml.org,2002:str") == 0;
}

static bool same(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

/* Helm's and kustomize's members change, or come, together with a reference beside them. */
static bool has_values(koc_str text)
{
    static const char *const words[] = {"repository", "newName", "images"};
    for (size_t i = 0; i < KOC__COUNT(words); i++) {
        if (memmem(text.ptr, text.len, words[i], strlen(words[i]))) {
            return true;
        }
    }
    return memchr(text.ptr, '\\', text.len) != NULL; /* the words may be written with escapes */
}

static void check_events(koc_str before, koc_str after)
{
    koc__yevents *a = NULL;
    koc__yevents *b = NULL;
    koc__yevent x;
    koc__yevent y;
    bool values = has_values(before);
    FUZZ_CHECK(koc__yevents_open(before, before.len, "before", &a, NULL) == KOC_OK);
    FUZZ_CHECK(koc__yevents_open(after, after.len, "after", &b, NULL) == KOC_OK);
    do {
        FUZZ_CHECK(koc__yevents_next(b, &y, NULL) == KOC_OK);
        if (values) {
            continue; /* only that it parses */
        }
        FUZZ_CHECK(koc__yevents_next(a, &x, NULL) == KOC_OK);
        FUZZ_CHECK(x.type == y.type && x.flow == y.flow);
        FUZZ_CHECK(same(x.anchor, y.anchor) && same(x.tag, y.tag));
        bool replaced =
            x.type == KOC__YEVENT_SCALAR && is_string(&x) && koc__str_starts(x.value, PREFIX);
        FUZZ_CHECK(replaced || koc__str_eq(x.value, y.value));
        FUZZ_CHECK(!replaced || koc__str_starts(y.value, "r.test:5000/x/y"));
        FUZZ_CHECK(x.style == y.style || replaced);
    } while (y.type != KOC__YEVENT_END);
    koc__yevents_free(a);
    koc__yevents_free(b);
}

static void check_output(koc_resolver *r, koc_str text, bool selected)
{
    koc_strlist *references = NULL;
    koc__dynbuf out = KOC__DYNBUF_INIT(16 * MAX);
    koc_writer w = {append, &out};
    koc_error *err = NULL;
    FUZZ_CHECK(koc_resolver_references(r, &references, NULL) == KOC_OK);
    size_t n = koc_strlist_count(references);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(koc_resolver_place(r, koc_strlist_get(references, i)));
        FUZZ_CHECK(koc_resolver_set(r, koc_strlist_get(references, i), IMAGE, NULL) == KOC_OK);
    }
    int rc = koc_resolver_write(r, &w, &err);
    FUZZ_CHECK(fuzz_ok(rc, &err));
    if (n == 0 && !selected) {
        FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&out), text));
    } else if (!selected) {
        check_events(text, koc__dynbuf_view(&out));
    }
    koc__dynbuf_dispose(&out);
    koc_strlist_free(references);
}

static void run(koc_str text, const char *selector)
{
    koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
    koc_resolver *r = NULL;
    koc_error *err = NULL;
    o.selector = selector;
    FUZZ_CHECK(koc_resolver_new(NULL, &o, &r, NULL) == KOC_OK);
    int rc = koc_resolver_add_bytes(r, "in.yaml", text, &err);
    FUZZ_CHECK(!err || !koc__str_ends(koc__str(koc_error_message(err)), " overlap"));
    if (fuzz_ok(rc, &err)) {
        check_output(r, text, selector != NULL);
    }
    koc_resolver_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    if (size <= MAX) {
        run(text, NULL);
        run(text, "app=a,b!=c");
    }
    return 0;
}
