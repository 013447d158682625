/* .Env, .GoEnv, .Git, .Date and .Timestamp: each value is fetched when a template uses it. */
#include "core/common.h"

#include "core/text.h"
#include "golang/template_data.h"

static koc__tvalue string_value(const char *s)
{
    return (koc__tvalue){KOC__T_STRING, 0, koc__str(s ? s : ""), NULL};
}

static koc__tvalue int_value(int64_t n)
{
    return (koc__tvalue){KOC__T_INT, n, {0}, NULL};
}

static koc__tvalue bool_value(bool b)
{
    return (koc__tvalue){KOC__T_BOOL, b, {0}, NULL};
}

static koc__tvalue map_value(const koc__tmap *map)
{
    return (koc__tvalue){KOC__T_MAP, 0, {0}, map};
}

static int format_time(int64_t seconds, char out[32], koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(31);
    KOC__TRY(koc__rfc3339(&text, seconds, err));
    snprintf(out, 32, "%s", koc__dynbuf_cstr(&text));
    return KOC_OK;
}

/* --- Env --- */

static bool find_env(const koc_strlist *env, koc_str name, koc__tvalue *out)
{
    for (size_t i = koc_strlist_count(env); i > 0; i--) {
        const char *item = koc_strlist_get(env, i - 1);
        if (strncmp(item, name.ptr, name.len) == 0 && item[name.len] == '=') {
            *out = string_value(item + name.len + 1);
            return true;
        }
    }
    return false;
}

static int get_env(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                   koc_error **err)
{
    const koc__template_data *d = self->payload;
    (void)err;
    *found = find_env(d->env, key, out);
    if (!*found && koc__str_is(key, "LDFLAGS")) { /* ko defines it even if it is unset */
        *out = string_value("");
        *found = true;
    }
    return KOC_OK;
}

static int env_keys(const koc__tmap *self, koc_strlist *out, koc_error **err)
{
    const koc__template_data *d = self->payload;
    koc_str name, value;
    for (size_t i = 0; i < koc_strlist_count(d->env); i++) {
        if (koc__str_cut(koc__str(koc_strlist_get(d->env, i)), '=', &name, &value)) {
            KOC__TRY(koc__strlist_add_n(out, name, err));
        }
    }
    return koc__strlist_has(out, "LDFLAGS") ? KOC_OK : koc__strlist_add(out, "LDFLAGS", err);
}

/* --- GoEnv --- */

/* The environment has precedence over go. A name of go's own that is set there saves running `go env`. */
static int get_go_env(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                      koc_error **err)
{
    const koc__template_data *d = self->payload;
    bool of_go = koc__str_starts(key, "GO") || koc__str_starts(key, "CGO_");
    if (of_go && find_env(d->env, key, out)) {
        *found = true;
        return KOC_OK;
    }
    const koc__map *map = NULL;
    KOC__TRY(koc__go_tool_env(d->go_env, d->call, &map, err));
    const char *value = koc__map_get(map, key);
    *found = value != NULL;
    if (value && !find_env(d->env, key, out)) {
        *out = string_value(value);
    }
    return KOC_OK;
}

static int go_env_keys(const koc__tmap *self, koc_strlist *out, koc_error **err)
{
    const koc__template_data *d = self->payload;
    const koc__map *map = NULL;
    size_t cursor = 0;
    koc_str key;
    void *value;
    KOC__TRY(koc__go_tool_env(d->go_env, d->call, &map, err));
    while (koc__map_next(map, &cursor, &key, &value)) {
        KOC__TRY(koc__strlist_add_n(out, key, err));
    }
    return KOC_OK;
}

/* --- Git --- */

static const char *const git_names[] = {
    "Branch",          "Tag",     "ShortCommit", "FullCommit", "CommitDate",
    "CommitTimestamp", "IsDirty", "IsClean",     "TreeState",  NULL};

static int git_part(koc_str key)
{
    static const int parts[] = {KOC__GIT_BRANCH, KOC__GIT_TAG,    KOC__GIT_COMMIT,
                                KOC__GIT_COMMIT, KOC__GIT_COMMIT, KOC__GIT_COMMIT,
                                KOC__GIT_DIRTY,  KOC__GIT_DIRTY,  KOC__GIT_DIRTY};
    for (size_t i = 0; git_names[i]; i++) {
        if (koc__str_is(key, git_names[i])) {
            return parts[i];
        }
    }
    return 0;
}

static int commit_value(koc__template_data *d, const koc__git *g, koc_str key, koc__tvalue *out,
                        koc_error **err)
{
    if (koc__str_is(key, "ShortCommit") || koc__str_is(key, "FullCommit")) {
        *out = string_value(key.ptr[0] == 'S' ? g->short_commit : g->full_commit);
    } else if (koc__str_is(key, "CommitTimestamp")) {
        *out = int_value(g->commit_time);
    } else {
        KOC__TRY(format_time(g->commit_time, d->commit_date, err));
        *out = string_value(d->commit_date);
    }
    return KOC_OK;
}

static int get_git(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                   koc_error **err)
{
    koc__template_data *d = self->payload;
    int part = git_part(key);
    *found = part != 0;
    if (part == 0) {
        return KOC_OK;
    }
    const koc__git *g = NULL;
    KOC__TRY(koc__go_git(d->go_env, d->dir, part, d->call, &g, err));
    if (part == KOC__GIT_COMMIT) {
        return commit_value(d, g, key, out, err);
    }
    if (part == KOC__GIT_DIRTY && koc__str_is(key, "TreeState")) {
        *out = string_value(g->dirty ? "dirty" : "clean");
    } else if (part == KOC__GIT_DIRTY) {
        *out = bool_value(g->dirty == koc__str_is(key, "IsDirty"));
    } else {
        *out = string_value(part == KOC__GIT_TAG ? g->tag : g->branch);
    }
    return KOC_OK;
}

/* --- the root --- */

static int get_root(const koc__tmap *self, koc_str key, bool *found, koc__tvalue *out,
                    koc_error **err)
{
    koc__template_data *d = self->payload;
    *found = true;
    if (koc__str_is(key, "Env")) {
        *out = map_value(&d->env_map);
    } else if (koc__str_is(key, "GoEnv")) {
        *out = map_value(&d->go_env_map);
    } else if (koc__str_is(key, "Git")) {
        *out = map_value(&d->git_map);
    } else if (koc__str_is(key, "Date") || koc__str_is(key, "Timestamp")) {
        int64_t seconds = 0;
        KOC__TRY(koc__go_build_time(d->go_env, &seconds, err));
        KOC__TRY(format_time(seconds, d->date, err));
        *out = key.ptr[0] == 'D' ? string_value(d->date) : int_value(seconds);
    } else {
        *found = false;
    }
    return KOC_OK;
}

void koc__go_template_data_begin(koc__template_data *d, koc__go_env *go_env, const koc_strlist *env,
                                 const char *dir, koc__call *call)
{
    static const char *const root_names[] = {"Env", "GoEnv", "Git", "Date", "Timestamp", NULL};
    *d = (koc__template_data){.call = call, .go_env = go_env, .env = env, .dir = dir};
    d->root = (koc__tmap){get_root, d, false, root_names, NULL};
    d->env_map = (koc__tmap){get_env, d, true, NULL, env_keys};
    d->go_env_map = (koc__tmap){get_go_env, d, true, NULL, go_env_keys};
    d->git_map = (koc__tmap){get_git, d, false, git_names, NULL};
}
