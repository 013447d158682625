/* KO_* variables that override keys of the settings file, and what both sources share. */
#include "core/common.h"

#include <koc/reference.h>

#include "core/env.h"
#include "core/io/fs.h"
#include "golang/config/settings.h"
#include "model/model.h"
#include "text/json.h"

/* A base is a reference, "scratch", or a layout or archive (decisions.md, 4). */
static int check_base(const char *where, const char *text, koc_error **err)
{
    if (koc__streq(text, "scratch")) {
        return KOC_OK;
    }
    static const char *const places[] = {"oci:", "docker-archive:"};
    for (size_t i = 0; i < KOC__COUNT(places); i++) {
        size_t n = strlen(places[i]);
        if (strncmp(text, places[i], n) == 0 && text[n] != '\0') {
            return KOC_OK;
        }
    }
    if (*text == '\0') {
        return koc__error(err, KOC_EINVAL, "%s: the base image is empty", where);
    }
    KOC__AUTO(koc_reference) ref = NULL;
    int rc = koc_reference_parse(text, KOC_REFERENCE_TRANSPORTS, &ref, err);
    return koc__error_prefix(err, rc, "%s", where);
}

static void base_dispose(koc__go_base *b)
{
    koc__free(b->path);
    koc__free(b->name);
    koc__free(b->where);
    *b = (koc__go_base){0};
}
KOC__DEFINE_AUTO_VAL(koc__go_base, base_dispose);

int koc__go_set_base(koc__go_settings *s, const char *where, const char *text, koc_error **err)
{
    KOC__AUTO_VAL(koc__go_base) b = {.name = koc__strdup(text), .where = koc__strdup(where)};
    if (!b.name || (where && !b.where)) {
        return koc__oom(err);
    }
    KOC__TRY(where ? check_base(where, text, err) : KOC_OK);
    base_dispose(&s->base);
    s->base = b;
    b = (koc__go_base){0};
    return KOC_OK;
}

void koc__go_clear_bases(koc__go_settings *s)
{
    for (size_t i = 0; i < s->n_overrides; i++) {
        base_dispose(&s->overrides[i]);
    }
    koc__free(s->overrides);
    s->overrides = NULL;
    s->n_overrides = 0;
}

void koc__go_free_bases(koc__go_settings *s)
{
    koc__go_clear_bases(s);
    base_dispose(&s->base);
}

int koc__go_add_override(koc__go_settings *s, const char *where, const char *import_path,
                         const char *text, koc_error **err)
{
    KOC__TRY(check_base(where, text, err));
    KOC__AUTO_VAL(koc__go_base)
    b = {.path = koc__str_lower(koc__str(import_path)),
         .name = koc__strdup(text),
         .where = koc__strdup(where)};
    size_t capacity = s->n_overrides;
    if (!b.path || !b.name || !b.where ||
        !koc__grow((void **)&s->overrides, &capacity, s->n_overrides + 1, sizeof(b))) {
        return koc__oom(err);
    }
    s->overrides[s->n_overrides++] = b;
    b = (koc__go_base){0};
    return KOC_OK;
}

int koc__go_add_words(koc_strlist *l, const char *text, koc_error **err)
{
    koc_str rest = koc__str(text);
    koc_str word;
    while (koc__str_word(&rest, &word)) {
        KOC__TRY(koc__strlist_add_n(l, word, err));
    }
    return KOC_OK;
}

int koc__go_check_env(const koc_strlist *l, const char *where, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(l); i++) {
        const char *item = koc_strlist_get(l, i);
        const char *equals = strchr(item, '=');
        if (!equals || equals == item) {
            return koc__error(err, KOC_EINVAL, "%s: not of the form NAME=value: %s", where, item);
        }
    }
    return KOC_OK;
}

static int env_list(const char *variable, koc_strlist *l, koc_error **err)
{
    const char *text = koc__env_nonempty(variable);
    if (!text) {
        return KOC_OK;
    }
    koc__strlist_clear(l);
    return koc__go_add_words(l, text, err);
}

/* KO_BASEIMAGEOVERRIDES={"example.com/app": "gcr.io/base"} replaces the whole map of the file. */
static int env_overrides(koc__go_settings *s, koc_error **err)
{
    static const char variable[] = "KO_BASEIMAGEOVERRIDES";
    const char *text = koc__env_nonempty(variable);
    if (!text) {
        return KOC_OK;
    }
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(koc__str(text), KOC__GO_SETTINGS_MAX, variable, &doc, err));
    if (!koc__json_is(koc__json_root(doc), KOC__JSON_OBJECT)) {
        return koc__error(err, KOC_EINVAL, "%s: not a JSON object of import paths and base images",
                          variable);
    }
    koc__go_clear_bases(s);
    for (koc__jnode *n = koc__json_child(koc__json_root(doc)); n; n = koc__json_next(n)) {
        const char *base = koc__json_str(n);
        if (!base) {
            return koc__error(err, KOC_EINVAL, "%s: %s: not a string", variable, koc__json_name(n));
        }
        KOC__AUTO_STR where = koc__format("%s: %s", variable, koc__json_name(n));
        if (!where) {
            return koc__oom(err);
        }
        KOC__TRY(koc__go_add_override(s, where, koc__json_name(n), base, err));
    }
    return KOC_OK;
}

int koc__go_settings_env(koc__go_settings *s, koc_error **err)
{
    static const char variable[] = "KO_DEFAULTBASEIMAGE";
    const char *base = koc__env_nonempty(variable);
    if (base) {
        KOC__TRY(koc__go_set_base(s, variable, base, err));
    }
    KOC__TRY(env_overrides(s, err));
    KOC__TRY(env_list("KO_DEFAULTPLATFORMS", s->platforms, err));
    KOC__TRY(env_list("KO_DEFAULTENV", s->env, err));
    KOC__TRY(env_list("KO_DEFAULTFLAGS", s->flags, err));
    KOC__TRY(env_list("KO_DEFAULTLDFLAGS", s->ldflags, err));
    if (koc__env_nonempty("KO_DEFAULTENV")) {
        return koc__go_check_env(s->env, "KO_DEFAULTENV", err);
    }
    return KOC_OK;
}

char *koc__go_near_name(const char *dir, const char *name)
{
    KOC__AUTO(koc_strlist) names = NULL;
    if (koc__fs_list(dir, &names, NULL) != KOC_OK) {
        return NULL;
    }
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 1; /* "ap" may become "app", not "web" */
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        size_t d = koc__str_distance(koc_strlist_get(names, i), name);
        if (d <= best_distance && (!best || d < best_distance)) {
            best = koc_strlist_get(names, i);
            best_distance = d;
        }
    }
    return best ? koc__strdup(best) : NULL;
}
