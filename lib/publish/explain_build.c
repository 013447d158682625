/* koc_explain: the inputs that differ from those of the last build. */
#include "core/common.h"

#include "publish/publish.h"

#include "model/model.h"

#define TEXT_MAX ((size_t)16 << 20)

static int explain_one(koc__plan *p, koc__go_target *t, const char *wanted, koc__call *call,
                       koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    KOC__AUTO(koc_strlist) lines = NULL;
    koc_platform platform = KOC_PLATFORM_INIT;
    if (koc__streq(wanted, "all")) {
        return koc__error_option(err, "platforms",
                                 "\"all\" depends on the base image; name platforms");
    }
    KOC__TRY(koc_platform_parse(wanted, &storage, &platform, err));
    KOC__TRY(koc__strlist_new(&lines, err));
    KOC__TRY(koc__go_explain(p->settings, t, &platform, &p->go, call, lines, err));
    KOC__TRY(koc__fingerprint_explain(p, t, &platform, call, lines, err));
    if (koc_strlist_count(lines) == 0) {
        KOC__TRY(koc__strlist_add(lines, "nothing changed", err));
    }
    KOC__TRY(koc__dynbuf_printf(out, err, "%s %s\n", t->import_path, wanted));
    for (size_t i = 0; i < koc_strlist_count(lines); i++) {
        KOC__TRY(koc__dynbuf_printf(out, err, "  %s\n", koc_strlist_get(lines, i)));
    }
    return KOC_OK;
}

static int explain(koc_ctx *ctx, const koc_publish_options *o, koc__call *call, koc_buf *out,
                   koc_error **err)
{
    static const char *const here[] = {".", NULL};
    KOC__AUTO(koc__plan) p = NULL;
    KOC__AUTO(koc__go_targets) targets = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__TRY(koc__plan_new(ctx, o, &p, err));
    const char *const *args = p->o.import_paths;
    KOC__TRY(koc__go_targets_find(ctx, p->settings, koc_strlist_get(p->platforms, 0),
                                  args && args[0] ? args : here, call, &targets, err));
    for (size_t i = 0; i < targets->count; i++) {
        for (size_t k = 0; k < koc_strlist_count(p->platforms); k++) {
            KOC__TRY(explain_one(p, targets->items[i], koc_strlist_get(p->platforms, k), call,
                                 &text, err));
        }
    }
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

int koc_explain(koc_ctx *ctx, const koc_publish_options *o, const koc_op *user, koc_buf *out,
                koc_error **err)
{
    if (!ctx || !out) {
        return koc__misuse(err, "koc_explain: ctx and out must be given");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, user, err));
    return explain(ctx, o, &call, out, err);
}
