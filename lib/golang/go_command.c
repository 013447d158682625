/* The arguments and the environment of `go build`, and what koc refuses in them. */
#include "core/common.h"

#include "core/env.h"
#include "core/path.h"
#include "golang/go_command.h"
#include "golang/template_data.h"
#include "model/model.h"

/* --- environment --- */

/* GOARM for "v6": 5, 6 or 7; *out 0: leave it unset, the variant is older than Go knows. */
static int arm_version(const char *variant, int64_t *out, koc_error **err)
{
    int64_t n = 0;
    if (variant[0] != 'v' || !koc__str_i64(koc__str(variant + 1), &n)) {
        return koc__error(err, KOC_EINVAL, "platform variant %s of arm: not of the form v7",
                          variant);
    }
    *out = n < 5 ? 0 : n > 7 ? 7 : n;
    return KOC_OK;
}

/* The variables of the platform. koc's own environment and the settings come later and win. */
static int platform_env(const koc_platform *p, koc_strlist *env, koc_error **err)
{
    KOC__TRY(koc__strlist_add(env, "CGO_ENABLED=0", err));
    KOC__TRY(koc__strlist_addf(env, err, "GOOS=%s", p->os));
    KOC__TRY(koc__strlist_addf(env, err, "GOARCH=%s", p->arch));
    const char *variant = p->variant && *p->variant ? p->variant : NULL;
    if (variant && koc__streq(p->arch, "arm")) {
        int64_t version = 0;
        KOC__TRY(arm_version(variant, &version, err));
        if (version > 0) {
            KOC__TRY(koc__strlist_addf(env, err, "GOARM=%d", (int)version));
        }
    } else if (variant && koc__streq(p->arch, "amd64")) {
        KOC__TRY(koc__strlist_addf(env, err, "GOAMD64=%s", variant));
    }
    return KOC_OK;
}

/* The last item of each name, sorted. Drops an empty GOOS or GOARCH, which go would read as the host's. */
static int keep_last_values(const koc_strlist *all, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__AUTO(koc__map) seen = koc__map_new(NULL);
    if (!seen) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_new(&list, err));
    for (size_t i = koc_strlist_count(all); i > 0; i--) {
        const char *item = koc_strlist_get(all, i - 1);
        koc_str name = koc__str_n(item, strcspn(item, "="));
        bool empty = item[name.len] == '\0' || item[name.len + 1] == '\0';
        if (koc__map_get(seen, name) || item[name.len] == '\0' ||
            (empty && (koc__str_is(name, "GOOS") || koc__str_is(name, "GOARCH")))) {
            continue;
        }
        static char yes;
        KOC__TRY(koc__map_set(seen, name, &yes, err));
        KOC__TRY(koc__strlist_add(list, item, err));
    }
    koc__strlist_sort(list);
    *out = koc__steal(&list);
    return KOC_OK;
}

/* A variable would make a binary for another platform than the image is for. (ko builds it anyway.) */
static int report_contradiction(const koc__go_settings *s, const koc__go_config *config,
                                const koc_platform *p, const char *name, const char *value,
                                koc_error **err)
{
    KOC__AUTO_STR platform = koc__platform_str(p);
    const koc_strlist *own = config && koc_strlist_count(config->env) ? config->env : s->env;
    bool from_file = koc__go_var_get(own, name) != NULL;
    int rc = koc__error(err, KOC_EINVAL, "cannot build for %s: %s=%s is set in %s",
                        platform ? platform : p->os, name, value,
                        from_file ? "the env of the build settings" : "the environment");
    koc__error_hint_on(err, KOC_HINT_OPTION, "platforms",
                       "unset %s, or ask for that platform with platforms", name);
    return rc;
}

static int check_platform(const koc__go_settings *s, const koc__go_config *config,
                          const koc_platform *p, const koc_strlist *env, koc_error **err)
{
    const char *os = koc__go_var_get(env, "GOOS");
    const char *arch = koc__go_var_get(env, "GOARCH");
    if (!koc__streq(os, p->os)) {
        return report_contradiction(s, config, p, "GOOS", os, err);
    }
    if (!koc__streq(arch, p->arch)) {
        return report_contradiction(s, config, p, "GOARCH", arch, err);
    }
    if (!p->variant || !*p->variant) {
        return KOC_OK;
    }
    const char *amd64 = koc__go_var_get(env, "GOAMD64");
    if (koc__streq(arch, "amd64") && amd64 && !koc__streq(amd64, p->variant)) {
        return report_contradiction(s, config, p, "GOAMD64", amd64, err);
    }
    const char *arm = koc__go_var_get(env, "GOARM");
    if (koc__streq(arch, "arm") && arm) {
        int64_t version = 0;
        KOC__TRY(arm_version(p->variant, &version, err));
        /* "7,softfloat" is fine for v7 */
        if (version > 0 && (arm[0] != (char)('0' + version) || (arm[1] && arm[1] != ','))) {
            return report_contradiction(s, config, p, "GOARM", arm, err);
        }
    }
    return KOC_OK;
}

/* -toolexec runs a program of the user's choice in place of the compiler. */
static bool is_toolexec(koc_str word)
{
    static const char name[] = "-toolexec";
    if (koc__str_starts(word, "\"") || koc__str_starts(word, "'")) {
        word = koc__str_from(word, 1);
    }
    if (koc__str_starts(word, "--")) {
        word = koc__str_from(word, 1);
    }
    if (!koc__str_starts(word, name)) {
        return false;
    }
    koc_str rest = koc__str_from(word, sizeof(name) - 1);
    return rest.len == 0 || strchr("=\"'", rest.ptr[0]) != NULL;
}

/* Looks at go's own settings files also, which env may name. */
static int check_goflags(const koc__go_settings *s, const koc_strlist *env, koc_error **err)
{
    const char *tool = NULL;
    KOC__AUTO_STR flags = NULL;
    if (koc__go_tool(s->go_env, &tool, NULL, NULL) != KOC_OK) {
        tool = NULL; /* starting go reports the error */
    }
    KOC__TRY(koc__go_value(tool, env, "GOFLAGS", &flags, err));
    koc_str rest = koc__str(flags ? flags : "");
    koc_str word;
    while (koc__str_word(&rest, &word)) {
        if (is_toolexec(word)) {
            return koc__error(err, KOC_EINVAL,
                              "cannot build: GOFLAGS has %.*s, which is not allowed",
                              KOC__FMT(word));
        }
    }
    return KOC_OK;
}

/* go runs git to stamp the commit. Gives it the settings of koc's own git commands, after those that the
 * environment may have (git-config(1), GIT_CONFIG_COUNT). */
static int add_git_settings(koc_strlist *all, koc_error **err)
{
    static const char *const settings[][2] = {{"core.fsmonitor", "false"},
                                              {"core.hooksPath", "/dev/null"}};
    const char *count = koc__go_var_get(all, "GIT_CONFIG_COUNT");
    uint64_t n = 0;
    if (count && *count && (!koc__str_u64(koc__str(count), &n) || n > 10000)) {
        return KOC_OK; /* git reports what is wrong with it */
    }
    for (size_t i = 0; i < KOC__COUNT(settings); i++, n++) {
        KOC__TRY(koc__strlist_addf(all, err, "GIT_CONFIG_KEY_%u=%s", (unsigned)n, settings[i][0]));
        KOC__TRY(
            koc__strlist_addf(all, err, "GIT_CONFIG_VALUE_%u=%s", (unsigned)n, settings[i][1]));
    }
    return koc__strlist_addf(all, err, "GIT_CONFIG_COUNT=%u", (unsigned)n);
}

int koc__go_command_env(const koc__go_settings *s, const koc__go_config *config,
                        const char *work_dir, const koc_platform *p, koc_strlist **out,
                        koc_error **err)
{
    KOC__AUTO(koc_strlist) all = NULL;
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__TRY(koc__strlist_new(&all, err));
    KOC__TRY(platform_env(p, all, err));
    for (const char *const *e = koc__environ(); e && *e; e++) {
        KOC__TRY(koc__strlist_add(all, *e, err));
    }
    if (work_dir) { /* go trusts PWD if it is the right directory */
        KOC__AUTO_STR dir = NULL;
        KOC__TRY(koc__path_abs(work_dir, &dir, err));
        KOC__TRY(koc__strlist_addf(all, err, "PWD=%s", dir));
    }
    const koc_strlist *own = config && koc_strlist_count(config->env) > 0 ? config->env : s->env;
    for (size_t i = 0; i < koc_strlist_count(own); i++) {
        KOC__TRY(koc__strlist_add(all, koc_strlist_get(own, i), err));
    }
    if (s->offline) {
        KOC__TRY(koc__strlist_add(all, "GOPROXY=off", err));
    }
    KOC__TRY(add_git_settings(all, err));
    KOC__TRY(keep_last_values(all, &env, err));
    KOC__TRY(check_platform(s, config, p, env, err));
    KOC__TRY(check_goflags(s, env, err));
    *out = koc__steal(&env);
    return KOC_OK;
}

/* --- arguments --- */

/* Where a list of flags comes from; for messages. */
typedef struct source {
    const koc__go_settings *s;
    const koc__go_config *config;
    const char *key; /* "flags" */
    const char *fallback;
} source;

/* ".ko.yaml: builds[0].flags[1]" */
static char *item_name(const source *from, bool own, size_t i)
{
    const char *file = from->s->path ? from->s->path : "";
    const char *colon = from->s->path ? ": " : "";
    if (!own) {
        return koc__format("%s%s%s[%zu]", file, colon, from->fallback, i);
    }
    return koc__format("%s%sbuilds[%zu].%s[%zu]", file, colon,
                       (size_t)(from->config - from->s->builds), from->key, i);
}

/* Renders the templates of one list; drops items that are empty afterwards. */
static int render_list(const source *from, const koc_strlist *items, bool own,
                       const koc__template_data *data, koc_strlist *out, koc_strlist *raw,
                       koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(items); i++) {
        KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
        KOC__AUTO_STR what = item_name(from, own, i);
        if (!what) {
            return koc__oom(err);
        }
        const char *item = koc_strlist_get(items, i);
        KOC__TRY(koc__template_render(item, what, &data->root, &text, err));
        KOC__TRY(koc__strlist_add(raw, item, err));
        if (text.len > 0) {
            KOC__TRY(koc__strlist_add(out, koc__dynbuf_cstr(&text), err));
        }
    }
    return KOC_OK;
}

static int add_both(koc_strlist *out, koc_strlist *raw, const char *text, koc_error **err)
{
    KOC__TRY(koc__strlist_add(out, text, err));
    return koc__strlist_add(raw, text, err);
}

static int check_flags(const koc_strlist *flags, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(flags); i++) {
        const char *flag = koc_strlist_get(flags, i);
        if (is_toolexec(koc__str(flag))) {
            return koc__error(err, KOC_EINVAL, "cannot build: the flag %s is not allowed", flag);
        }
    }
    return KOC_OK;
}

/* One argument "-ldflags=…", items joined by a space. */
static int add_ldflags(const source *from, const koc__go_options *o, const koc__template_data *data,
                       koc_strlist *out, koc_strlist *raw, koc_error **err)
{
    KOC__AUTO(koc_strlist) items = NULL;
    KOC__AUTO(koc_strlist) rendered = NULL;
    KOC__TRY(koc__strlist_new(&items, err));
    KOC__TRY(koc__strlist_new(&rendered, err));
    for (const char *const *l = o ? o->ldflags : NULL; l && *l; l++) {
        KOC__TRY(koc__strlist_add(items, *l, err));
    }
    const koc__go_settings *s = from->s;
    bool own = from->config && koc_strlist_count(from->config->ldflags) > 0;
    if (koc_strlist_count(items) > 0) {
        static const koc__go_settings none;
        const source option = {&none, NULL, "ldflags", "ldflags"};
        int rc = render_list(&option, items, false, data, rendered, raw, err);
        koc__error_blame(rc == KOC_OK ? NULL : err, "ldflags");
        KOC__TRY(rc);
    } else {
        KOC__TRY(render_list(from, own ? from->config->ldflags : s->ldflags, own, data, rendered,
                             raw, err));
    }
    if (koc_strlist_count(rendered) == 0) {
        return KOC_OK;
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    KOC__TRY(koc__dynbuf_puts(&text, "-ldflags=", err));
    for (size_t i = 0; i < koc_strlist_count(rendered); i++) {
        KOC__TRY(
            koc__dynbuf_printf(&text, err, "%s%s", i > 0 ? " " : "", koc_strlist_get(rendered, i)));
    }
    return koc__strlist_add(out, koc__dynbuf_cstr(&text), err);
}

int koc__go_command_args(const koc__go_settings *s, const koc__go_options *o, koc__go_unit *u,
                         koc__call *call, koc_error **err)
{
    const koc__go_target *t = u->target;
    KOC__AUTO(koc_strlist) args = NULL;
    KOC__AUTO(koc_strlist) raw = NULL;
    KOC__TRY(koc__strlist_new(&args, err));
    KOC__TRY(koc__strlist_new(&raw, err));
    koc__template_data data;
    koc__go_template_data_begin(&data, s->go_env, u->env, t->work_dir, call);
    KOC__TRY(add_both(args, raw, "build", err));

    const koc__go_config *config = t->config;
    bool own = config && koc_strlist_count(config->flags) > 0;
    source from = {s, config, "flags", "defaultFlags"};
    KOC__TRY(render_list(&from, own ? config->flags : s->flags, own, &data, args, raw, err));
    KOC__TRY(check_flags(args, err));
    KOC__TRY(add_both(args, raw, "-trimpath", err));
    if (o && o->disable_optimizations) {
        KOC__TRY(add_both(args, raw, "-gcflags", err));
        KOC__TRY(add_both(args, raw, "all=-N -l", err));
    }
    from.key = "ldflags";
    from.fallback = "defaultLdflags";
    KOC__TRY(add_ldflags(&from, o, &data, args, raw, err));
    u->args = koc__steal(&args);
    u->raw = koc__steal(&raw);
    return KOC_OK;
}
