/* Names of images and the references that are printed. */
#include "core/common.h"

#include "publish/naming.h"

#include <koc/ext/publish.h>

#include "core/dynbuf.h"
#include "core/hash/crypto.h"
#include "core/hash/digests.h"
#include "core/path.h"
#include "core/text.h"

koc__namer koc__namer_of(uint32_t flags)
{
    if (flags & KOC_PUBLISH_PRESERVE_IMPORT_PATHS) {
        return KOC__NAME_PRESERVE;
    }
    if (flags & KOC_PUBLISH_BASE_IMPORT_PATHS) {
        return KOC__NAME_BASE;
    }
    if (flags & KOC_PUBLISH_BARE) {
        return KOC__NAME_BARE;
    }
    return KOC__NAME_MD5;
}

/* Go's path.Join: drops empty parts and cleans the rest. */
static int join_path(const char *base, const char *rest, char **out, koc_error **err)
{
    if (!*base && !*rest) {
        *out = koc__strdup("");
    } else {
        *out = koc__path_join(*base ? base : "", rest);
    }
    return *out ? KOC_OK : koc__oom(err);
}

int koc__name_image(koc__namer namer, const char *base, const char *import_path, bool lower,
                    char **out, koc_error **err)
{
    KOC__AUTO_STR path = lower ? koc__str_lower(koc__str(import_path)) : koc__strdup(import_path);
    if (!path) {
        return koc__oom(err);
    }
    koc_str last = koc__path_base(koc__str(path));
    KOC__AUTO_STR name = NULL;
    switch (namer) {
    case KOC__NAME_PRESERVE: name = koc__strdup(path); break;
    case KOC__NAME_BASE: name = koc__str_dup(last); break;
    case KOC__NAME_BARE: name = koc__strdup(""); break;
    case KOC__NAME_MD5: {
        uint8_t sum[16];
        char hex[33];
        KOC__TRY(koc__md5(koc__str(path), sum, err));
        koc__hex(sum, sizeof(sum), hex);
        name = koc__format("%.*s-%s", KOC__FMT(last), hex);
        break;
    }
    }
    if (!name) {
        return koc__oom(err);
    }
    return join_path(base, name, out, err);
}

char *koc__name_app(const char *import_path)
{
    koc_str base = koc__path_base(koc__str(import_path));
    if (koc__str_is(base, ".") || koc__str_is(base, "/")) {
        return koc__strdup("ko-app");
    }
    return koc__str_dup(base);
}

int koc__name_printed(const koc__name_result *r, char **out, koc_error **err)
{
    const char *first = r->tags && r->tags[0] ? r->tags[0] : NULL;
    bool single = first && !r->tags[1];
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(4096);
    KOC__TRY(koc__dynbuf_puts(&b, r->repository, err));
    bool with_tag =
        first && (r->tag_only || !r->pushed || (single && !koc__streq(first, "latest")));
    if (with_tag) {
        KOC__TRY(koc__dynbuf_printf(&b, err, ":%s", first));
    }
    if (!(r->tag_only && first)) {
        KOC__TRY(koc__dynbuf_printf(&b, err, "@%s", koc__digest_str(r->digest).s));
    }
    *out = koc__dynbuf_steal(&b);
    return *out ? KOC_OK : koc__oom(err);
}
