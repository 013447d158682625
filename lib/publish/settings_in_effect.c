/* koc_publish_settings: the settings that a build would use, before it looks at packages. */
#include "core/common.h"

#include "publish/publish.h"

#include "golang/go_env.h"

static int report_setting(koc_publish_setting_fn fn, void *payload, const char *name,
                          const char *value, koc_error **err)
{
    if (!value || !*value || fn(name, value, payload) == 0) {
        return KOC_OK;
    }
    return koc__error(err, KOC_EUSER, "ended by the caller");
}

static int report_all(const koc__plan *p, koc_publish_setting_fn fn, void *payload, koc_error **err)
{
    const koc__go_settings *s = p->settings;
    KOC__TRY(report_setting(fn, payload, "config", s->path, err));
    KOC__TRY(report_setting(fn, payload, "repository", p->repository, err));
    KOC__TRY(report_setting(fn, payload, "layout", p->layout_path, err));
    KOC__TRY(
        report_setting(fn, payload, "base", p->o.base_image ? p->o.base_image : s->base.name, err));
    for (size_t i = 0; !p->o.base_image && i < s->n_overrides; i++) {
        KOC__TRY(report_setting(fn, payload, "base", s->overrides[i].name, err));
    }
    for (size_t i = 0; i < koc_strlist_count(p->platforms); i++) {
        KOC__TRY(report_setting(fn, payload, "platform", koc_strlist_get(p->platforms, i), err));
    }
    for (size_t i = 0; i < koc_strlist_count(p->warnings); i++) {
        KOC__TRY(report_setting(fn, payload, "warning", koc_strlist_get(p->warnings, i), err));
    }
    return KOC_OK;
}

/* Reports that git cannot read the repository: go then cannot stamp its commit. */
static int report_git(koc_ctx *ctx, koc_publish_setting_fn fn, void *payload, koc_error **err)
{
    KOC__AUTO(koc_error) why = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, NULL, err));
    int rc = koc__git_check(NULL, &call, &why);
    if (rc != KOC_EPROCESS) {
        return rc == KOC_ENOMEM ? koc__error_move(err, &why) : KOC_OK;
    }
    KOC__TRY(report_setting(fn, payload, "git", koc_error_message(why), err));
    return report_setting(fn, payload, "git hint", koc_error_hint(why), err);
}

/* Entries of builds: that go cannot load become warnings. A missing go is reported by other checks. */
static int check_entries(koc_ctx *ctx, koc__plan *p, koc_error **err)
{
    static const char *const none[] = {NULL};
    KOC__AUTO(koc__go_targets) targets = NULL;
    KOC__AUTO(koc_error) why = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, NULL, err));
    int rc = koc__go_targets_find(ctx, p->settings, koc_strlist_get(p->platforms, 0), none, &call,
                                  &targets, &why);
    if (rc == KOC_ENOMEM) {
        return koc__error_move(err, &why);
    }
    return rc == KOC_OK ? koc__plan_add_warnings(p, targets->warnings, err) : KOC_OK;
}

int koc_publish_settings(koc_ctx *ctx, const koc_publish_options *o, koc_publish_setting_fn fn,
                         void *payload, koc_error **err)
{
    if (!ctx || !fn) {
        return koc__misuse(err, "koc_publish_settings: ctx and fn must be given");
    }
    KOC__AUTO(koc__plan) plan = NULL;
    KOC__TRY(koc__plan_new(ctx, o, &plan, err));
    if (plan->settings->n_builds > 0) {
        KOC__TRY(check_entries(ctx, plan, err));
    }
    KOC__TRY(report_git(ctx, fn, payload, err));
    return report_all(plan, fn, payload, err);
}
