#include "core/common.h"

#include "helper.h"
#include "test.h"

#include "core/dynbuf.h"
#include "core/str.h"

static int append(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static char *image_for(const char *reference, const char *suffix)
{
    const char *slash = strrchr(reference, '/');
    return koc__format("reg.example:5000/t/%s%s", slash + 1, suffix);
}

static char *finish(koc_resolver *r, const char *suffix)
{
    koc_strlist *references = NULL;
    koc_error *err = NULL;
    koc__dynbuf out = KOC__DYNBUF_INIT((size_t)256 << 20);
    koc_writer w = {append, &out};
    assert_int_equal(koc_resolver_references(r, &references, &err), KOC_OK);
    for (size_t i = 0; i < koc_strlist_count(references); i++) {
        char *image = image_for(koc_strlist_get(references, i), suffix);
        assert_int_equal(koc_resolver_set(r, koc_strlist_get(references, i), image, &err), KOC_OK);
        koc__free(image);
    }
    int rc = koc_resolver_write(r, &w, &err);
    if (rc != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    char *text = koc__strdup(koc__dynbuf_cstr(&out));
    koc__dynbuf_dispose(&out);
    koc_strlist_free(references);
    koc_resolver_free(r);
    return text;
}

static koc_resolver *new_resolver(const char *selector)
{
    koc_resolver *r = NULL;
    koc_error *err = NULL;
    koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
    o.selector = selector;
    if (koc_resolver_new(NULL, &o, &r, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return r;
}

char *resolve_labelled(const char *label, const char *yaml, const char *selector,
                       const char *suffix)
{
    koc_error *err = NULL;
    koc_resolver *r = new_resolver(selector);
    if (koc_resolver_add_bytes(r, label, koc__str(yaml), &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return finish(r, suffix);
}

char *resolve_selected(const char *yaml, const char *selector)
{
    return resolve_labelled("in.yaml", yaml, selector, "@" DIGEST);
}

char *resolve(const char *yaml)
{
    return resolve_selected(yaml, NULL);
}

char *resolve_all(const char *const *inputs, const char *selector)
{
    koc_error *err = NULL;
    koc_resolver *r = new_resolver(selector);
    for (size_t i = 0; inputs[i]; i++) {
        assert_int_equal(koc_resolver_add_bytes(r, "in.yaml", koc__str(inputs[i]), &err), KOC_OK);
    }
    return finish(r, "@" DIGEST);
}

char *refused(const char *yaml, const char *selector, koc_code code)
{
    koc_error *err = NULL;
    koc_resolver *r = new_resolver(selector);
    int rc = koc_resolver_add_bytes(r, "in.yaml", koc__str(yaml), &err);
    if (rc != code) {
        fail_msg("code %d, not %d: %s", rc, code, koc_error_message(err));
    }
    char *message = koc__strdup(koc_error_message(err));
    koc_error_free(err);
    koc_resolver_free(r);
    return message;
}

void check_text(char *got, const char *want)
{
    assert_string_equal(got, want);
    koc__free(got);
}
