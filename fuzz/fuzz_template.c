/*
 * Templates of build flags: text without "{{" comes back as it is, everything else ends, and in bounds. The root
 * has a map, which has none: as in what templates see.
 */
#include "fuzz.h"

#include "template/template.h"

static int get_leaf(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                    koc_error **err)
{
    (void)self, (void)err;
    *found = true;
    if (koc__str_is(key, "Int")) {
        *out = (koc__tvalue){.kind = KOC__T_INT, .number = INT64_MIN};
    } else if (koc__str_is(key, "Version")) {
        *out = (koc__tvalue){.kind = KOC__T_STRING, .text = KOC__STR("v1.2.3 \"x\"")};
    } else {
        *found = false;
    }
    return KOC_OK;
}

static int get(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out, koc_error **err)
{
    static const char *const names[] = {"Int", "Version", NULL};
    static const koc__tmap leaves = {get_leaf, NULL, false, names};
    if (koc__str_is(key, "Map")) {
        *found = true;
        *out = (koc__tvalue){.kind = KOC__T_MAP, .map = &leaves};
        return KOC_OK;
    }
    return get_leaf(self, key, found, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"Map", "Int", "Version", NULL};
    const koc__tmap map = {get, NULL, false, names};
    KOC__AUTO_STR text = fuzz_text(data, size);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    koc_error *err = NULL;
    if (fuzz_ok(koc__template_render(text, "input", &map, &out, &err), &err)) {
        FUZZ_CHECK(strstr(text, "{{") || strcmp(koc__dynbuf_cstr(&out), text) == 0);
    }
    return 0;
}
