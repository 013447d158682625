/*
 * Reads .ko.yaml, .ko.yml and .ko.json (docs/ko.md, configuration file). Keys match in any case. Every
 * error names file, line and column.
 */
#include "core/common.h"

#include "core/env.h"
#include "core/path.h"
#include "golang/config/settings.h"
#include "golang/go_env.h"
#include "layer/layer.h"
#include "text/json.h"
#include "text/yaml.h"

/* What all functions that read a file need. */
typedef struct loader {
    koc__go_settings *s;
    const char *file;
} loader;

static char *format_place(const loader *l, const koc__ynode *n, const char *key)
{
    return koc__format("%s:%zu:%zu: %s", l->file, koc__yaml_line(n), koc__yaml_column(n), key);
}

static int report_bad(const loader *l, const koc__ynode *n, const char *key, koc_error **err,
                      const char *reason)
{
    return koc__error(err, KOC_EINVAL, "%s:%zu:%zu: %s: %s", l->file, koc__yaml_line(n),
                      koc__yaml_column(n), key, reason);
}

/* --- values --- */

static int read_string(const loader *l, const koc__ynode *n, const char *key, char **out,
                       koc_error **err)
{
    if (koc__yaml_is_null(n)) {
        return KOC_OK;
    }
    if (koc__yaml_type(n) != KOC__YAML_SCALAR) {
        return report_bad(l, n, key, err, "must be a string");
    }
    char *copy = koc__strdup(koc__yaml_str(n));
    if (!copy) {
        return koc__oom(err);
    }
    koc__free(*out);
    *out = copy;
    return KOC_OK;
}

/* A list, or a string: one item, or (split) its words. */
static int read_list(const loader *l, const koc__ynode *n, const char *key, bool split,
                     koc_strlist *out, koc_error **err)
{
    koc__strlist_clear(out);
    if (koc__yaml_is_null(n)) {
        return KOC_OK;
    }
    if (koc__yaml_type(n) == KOC__YAML_SCALAR) {
        const char *text = koc__yaml_str(n);
        return split ? koc__go_add_words(out, text, err) : koc__strlist_add(out, text, err);
    }
    if (koc__yaml_type(n) != KOC__YAML_SEQUENCE) {
        return report_bad(l, n, key, err, "must be a list of strings");
    }
    for (size_t i = 0; i < koc__yaml_count(n); i++) {
        const koc__ynode *item = koc__yaml_at(n, i);
        if (koc__yaml_type(item) != KOC__YAML_SCALAR || koc__yaml_is_null(item)) {
            return report_bad(l, item, key, err, "must be a list of strings");
        }
        KOC__TRY(koc__strlist_add(out, koc__yaml_str(item), err));
    }
    return KOC_OK;
}

/* Keeps a mistake of one entry in the entry: it must not fail the build of another package. */
static int defer_error(koc__go_config *c, int rc, koc_error **why, koc_error **err)
{
    if (rc != KOC_EINVAL) {
        return rc == KOC_OK ? KOC_OK : koc__error_move(err, why);
    }
    if (c->why) {
        koc_error_free(*why);
    } else {
        c->why = *why;
    }
    *why = NULL;
    return KOC_OK;
}

static int read_env(const loader *l, const koc__ynode *n, const char *key, koc_strlist *out,
                    koc_error **err)
{
    KOC__TRY(read_list(l, n, key, true, out, err));
    KOC__AUTO_STR where = format_place(l, n, key);
    if (!where) {
        return koc__oom(err);
    }
    return koc__go_check_env(out, where, err);
}

/* --- builds --- */

/* "no such directory: ./cmd/ap", with a similar name as a hint. */
static int report_no_dir(const loader *l, const koc__ynode *n, const char *key, const char *path,
                         const char *shown, koc_error **err)
{
    int rc = koc__error(err, KOC_EINVAL, "%s:%zu:%zu: %s: no such directory: %s", l->file,
                        koc__yaml_line(n), koc__yaml_column(n), key, shown);
    KOC__AUTO_STR parent = koc__str_dup(koc__path_dir(koc__str(path)));
    KOC__AUTO_STR name = koc__str_dup(koc__path_base(koc__str(path)));
    KOC__AUTO_STR near = parent && name ? koc__go_near_name(parent, name) : NULL;
    if (near) {
        koc_str before = koc__str(shown);
        koc_str rest = {0};
        if (koc__str_rcut(koc__str(shown), '/', &before, &rest)) {
            koc__error_hint(err, "did you mean %.*s/%s?", KOC__FMT(before), near);
        } else {
            koc__error_hint(err, "did you mean %s?", near);
        }
    }
    return rc;
}

static int check_dirs(const loader *l, size_t index, const koc__go_config *c, const koc__ynode *dir,
                      const koc__ynode *main, koc_error **err)
{
    KOC__AUTO_STR dir_key = koc__format("builds[%zu].dir", index);
    KOC__AUTO_STR main_key = koc__format("builds[%zu].main", index);
    KOC__AUTO_STR path = koc__path_join(c->dir, c->main);
    if (!dir_key || !main_key || !path) {
        return koc__oom(err);
    }
    if (!koc__fs_is_dir(c->dir)) {
        return report_no_dir(l, dir, dir_key, c->dir, c->dir, err);
    }
    /* main may also be a file, which stands for its directory. */
    return koc__fs_exists(path) ? KOC_OK : report_no_dir(l, main, main_key, path, c->main, err);
}

/* Index of the first key that equals the key of pair i in any case; i itself: there is none. */
static size_t find_same_key(const koc__ynode *mapping, size_t i)
{
    koc_str key = koc__str(koc__yaml_key(mapping, i));
    for (size_t k = 0; k < i; k++) {
        if (koc__str_ieq(koc__str(koc__yaml_key(mapping, k)), key)) {
            return k;
        }
    }
    return i;
}

static int check_duplicate_keys(const loader *l, const koc__ynode *mapping, koc_error **err)
{
    for (size_t i = 0; i < koc__yaml_count(mapping); i++) {
        size_t first = find_same_key(mapping, i);
        if (first != i) {
            const koc__ynode *n = koc__yaml_at(mapping, i);
            return koc__error(err, KOC_EINVAL, "%s:%zu:%zu: %s: the same key as %s on line %zu",
                              l->file, koc__yaml_line(n), koc__yaml_column(n),
                              koc__yaml_key(mapping, i), koc__yaml_key(mapping, first),
                              koc__yaml_line(koc__yaml_at(mapping, first)));
        }
    }
    return KOC_OK;
}

static int config_init(koc__go_config *c, size_t index, const koc__ynode *n, koc_error **err)
{
    c->line = koc__yaml_line(n);
    c->column = koc__yaml_column(n);
    c->id = koc__format("#%zu", index);
    c->dir = koc__strdup(".");
    c->main = koc__strdup(".");
    if (!c->id || !c->dir || !c->main) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_new(&c->flags, err));
    KOC__TRY(koc__strlist_new(&c->ldflags, err));
    KOC__TRY(koc__strlist_new(&c->env, err));
    return koc__strlist_new(&c->capabilities, err);
}

/* The value of name in entry index; full receives its name for messages. */
static const koc__ynode *get_member(const koc__ynode *entry, size_t index, const char *name,
                                    char full[64])
{
    snprintf(full, 64, "builds[%zu].%s", index, name);
    return koc__yaml_get(entry, name, true);
}

static int default_dot(char **text, koc_error **err)
{
    if (**text != '\0') {
        return KOC_OK;
    }
    koc__free(*text);
    *text = koc__strdup(".");
    return *text ? KOC_OK : koc__oom(err);
}

/* Unknown capabilities are reported now, and not after the compile. */
static int read_capabilities(const loader *l, const koc__ynode *entry, size_t index,
                             koc__go_config *c, koc_error **err)
{
    char key[64];
    uint8_t encoded[KOC__CAPS_SIZE];
    bool any = false;
    const koc__ynode *n = get_member(entry, index, "linux_capabilities", key);
    if (!n) {
        return KOC_OK;
    }
    KOC__TRY(read_list(l, n, key, true, c->capabilities, err));
    koc_error *why = NULL;
    int rc = koc__caps_encode(c->capabilities, &any, encoded, &why);
    rc = koc__error_prefix(&why, rc, "%s:%zu:%zu: builds[%zu]", l->file, koc__yaml_line(n),
                           koc__yaml_column(n), index);
    return defer_error(c, rc, &why, err);
}

static int read_own_env(const loader *l, const koc__ynode *entry, size_t index, koc__go_config *c,
                        koc_error **err)
{
    char key[64];
    const koc__ynode *n = get_member(entry, index, "env", key);
    if (!n) {
        return KOC_OK;
    }
    koc_error *why = NULL;
    KOC__AUTO_STR where = format_place(l, n, key);
    if (!where) {
        return koc__oom(err);
    }
    KOC__TRY(read_list(l, n, key, false, c->env, err));
    return defer_error(c, koc__go_check_env(c->env, where, &why), &why, err);
}

static int read_config(const loader *l, const koc__ynode *n, size_t index, koc__go_config *c,
                       koc_error **err)
{
    char key[64];
    KOC__TRY(config_init(c, index, n, err));
    if (koc__yaml_type(n) != KOC__YAML_MAPPING) {
        snprintf(key, sizeof(key), "builds[%zu]", index);
        return report_bad(l, n, key, err,
                          "must be a mapping (id, dir, main, flags, ldflags, env, ...)");
    }
    KOC__TRY(check_duplicate_keys(l, n, err));
    const koc__ynode *id = get_member(n, index, "id", key);
    if (id) {
        KOC__TRY(read_string(l, id, key, &c->id, err));
    }
    const koc__ynode *dir = get_member(n, index, "dir", key);
    if (dir) {
        KOC__TRY(read_string(l, dir, key, &c->dir, err));
    }
    const koc__ynode *main = get_member(n, index, "main", key);
    if (main) {
        KOC__TRY(read_string(l, main, key, &c->main, err));
    }
    KOC__TRY(default_dot(&c->dir, err));
    KOC__TRY(default_dot(&c->main, err));
    struct {
        const char *name;
        bool split;
        koc_strlist *out;
    } lists[] = {{"flags", true, c->flags}, {"ldflags", false, c->ldflags}};
    for (size_t i = 0; i < KOC__COUNT(lists); i++) {
        const koc__ynode *list = get_member(n, index, lists[i].name, key);
        if (list) {
            KOC__TRY(read_list(l, list, key, lists[i].split, lists[i].out, err));
        }
    }
    KOC__TRY(read_capabilities(l, n, index, c, err));
    KOC__TRY(read_own_env(l, n, index, c, err));
    koc_error *why = NULL;
    int rc = check_dirs(l, index, c, dir ? dir : n, main ? main : n, &why);
    KOC__TRY(defer_error(c, rc, &why, err));
    char *clean = koc__path_clean(c->dir); /* so that equal directories are equal strings */
    if (!clean) {
        return koc__oom(err);
    }
    koc__free(c->dir);
    c->dir = clean;
    return KOC_OK;
}

/* Two entries for one package: the last one wins, as in ko; warn about the other. */
static int warn_same_package(const loader *l, size_t index, koc_error **err)
{
    const koc__go_config *builds = l->s->builds;
    const koc__go_config *c = &builds[index];
    KOC__AUTO_STR path = koc__path_join(c->dir, c->main);
    for (size_t i = 0; path && i < index; i++) {
        KOC__AUTO_STR other = koc__path_join(builds[i].dir, builds[i].main);
        if (other && koc__streq(path, other)) {
            return koc__strlist_addf(
                l->s->warnings, err,
                "%s:%zu:%zu: builds[%zu]: %s is also the package of builds[%zu]; "
                "the last entry counts",
                l->file, c->line, c->column, index, path, i);
        }
    }
    return path ? KOC_OK : koc__oom(err);
}

/* koc does not use the id, but GoReleaser rejects duplicates. */
static int warn_same_id(const loader *l, size_t index, koc_error **err)
{
    const koc__go_config *builds = l->s->builds;
    const koc__go_config *c = &builds[index];
    for (size_t i = 0; i < index; i++) {
        if (koc__streq(c->id, builds[i].id)) {
            return koc__strlist_addf(
                l->s->warnings, err,
                "%s:%zu:%zu: builds[%zu]: the id %s is also that of builds[%zu]", l->file, c->line,
                c->column, index, c->id, i);
        }
    }
    return KOC_OK;
}

static int read_builds(const loader *l, const koc__ynode *n, koc_error **err)
{
    koc__go_settings *s = l->s;
    if (koc__yaml_is_null(n)) {
        return KOC_OK;
    }
    bool one = koc__yaml_type(n) == KOC__YAML_MAPPING;
    if (!one && koc__yaml_type(n) != KOC__YAML_SEQUENCE) {
        return report_bad(l, n, "builds", err, "must be a list of mappings");
    }
    size_t count = one ? 1 : koc__yaml_count(n);
    s->builds = koc__calloc(count ? count : 1, sizeof(*s->builds));
    if (!s->builds) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < count; i++) {
        s->n_builds = i + 1;
        KOC__TRY(read_config(l, one ? n : koc__yaml_at(n, i), i, &s->builds[i], err));
        KOC__TRY(warn_same_package(l, i, err));
        KOC__TRY(warn_same_id(l, i, err));
    }
    return KOC_OK;
}

/* --- top level --- */

static int read_base(const loader *l, const koc__ynode *n, koc_error **err)
{
    if (koc__yaml_is_null(n)) {
        return KOC_OK;
    }
    KOC__AUTO_STR text = NULL;
    KOC__AUTO_STR where = format_place(l, n, "defaultBaseImage");
    if (!where) {
        return koc__oom(err);
    }
    KOC__TRY(read_string(l, n, "defaultBaseImage", &text, err));
    return koc__go_set_base(l->s, where, text, err);
}

static int read_overrides(const loader *l, const koc__ynode *n, koc_error **err)
{
    if (koc__yaml_is_null(n)) {
        return KOC_OK;
    }
    if (koc__yaml_type(n) != KOC__YAML_MAPPING) {
        return report_bad(l, n, "baseImageOverrides", err, "must map import paths to base images");
    }
    KOC__TRY(check_duplicate_keys(l, n, err));
    for (size_t i = 0; i < koc__yaml_count(n); i++) {
        const koc__ynode *value = koc__yaml_at(n, i);
        KOC__AUTO_STR key = koc__format("baseImageOverrides: %s", koc__yaml_key(n, i));
        KOC__AUTO_STR where = key ? format_place(l, value, key) : NULL;
        if (!where) {
            return koc__oom(err);
        }
        if (koc__yaml_type(value) != KOC__YAML_SCALAR) {
            return report_bad(l, value, key, err, "must be a string");
        }
        const char *text = koc__yaml_str(value);
        KOC__TRY(koc__go_add_override(l->s, where, koc__yaml_key(n, i), text ? text : "", err));
    }
    return KOC_OK;
}

static const char *const known_keys[] = {
    "defaultBaseImage", "baseImageOverrides", "defaultPlatforms", "defaultEnv",
    "defaultFlags",     "defaultLdflags",     "builds",           "sbom",
    "sbomAuthor"};

/* One warning for all unknown keys. */
static int warn_unknown(const loader *l, const koc__ynode *root, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    for (size_t i = 0; i < koc__yaml_count(root); i++) {
        const char *key = koc__yaml_key(root, i);
        const char *near = NULL;
        bool known = false;
        for (size_t k = 0; k < KOC__COUNT(known_keys) && !known; k++) {
            known = koc__str_ieq(koc__str(key), koc__str(known_keys[k]));
            size_t far = strlen(known_keys[k]) / 4; /* no word of four letters is like another */
            near = koc__str_distance(key, known_keys[k]) <= far ? known_keys[k] : near;
        }
        if (known) {
            continue;
        }
        if (text.len == 0) {
            KOC__TRY(koc__dynbuf_printf(&text, err, "%s: unknown key ", l->file));
        } else {
            KOC__TRY(koc__dynbuf_puts(&text, ", ", err));
        }
        KOC__TRY(koc__dynbuf_printf(&text, err, "%.200s", key));
        if (near) {
            KOC__TRY(koc__dynbuf_printf(&text, err, " (did you mean %s?)", near));
        }
    }
    return text.len ? koc__strlist_add(l->s->warnings, koc__dynbuf_cstr(&text), err) : KOC_OK;
}

static int read_root(const loader *l, const koc__ynode *root, koc_error **err)
{
    koc__go_settings *s = l->s;
    if (koc__yaml_is_null(root) || !root) {
        return KOC_OK; /* an empty file */
    }
    if (koc__yaml_type(root) != KOC__YAML_MAPPING) {
        return koc__error(err, KOC_EINVAL, "%s:%zu:%zu: not a mapping of keys to values", l->file,
                          koc__yaml_line(root), koc__yaml_column(root));
    }
    KOC__TRY(check_duplicate_keys(l, root, err));
    KOC__TRY(warn_unknown(l, root, err));
    const koc__ynode *n = koc__yaml_get(root, "defaultBaseImage", true);
    if (n) {
        KOC__TRY(read_base(l, n, err));
    }
    n = koc__yaml_get(root, "baseImageOverrides", true);
    if (n) {
        KOC__TRY(read_overrides(l, n, err));
    }
    n = koc__yaml_get(root, "defaultPlatforms", true);
    if (n) {
        KOC__TRY(read_list(l, n, "defaultPlatforms", true, s->platforms, err));
    }
    n = koc__yaml_get(root, "defaultEnv", true);
    if (n) {
        KOC__TRY(read_env(l, n, "defaultEnv", s->env, err));
    }
    n = koc__yaml_get(root, "defaultFlags", true);
    if (n) {
        KOC__TRY(read_list(l, n, "defaultFlags", true, s->flags, err));
    }
    n = koc__yaml_get(root, "defaultLdflags", true);
    if (n) {
        KOC__TRY(read_list(l, n, "defaultLdflags", true, s->ldflags, err));
    }
    n = koc__yaml_get(root, "sbom", true);
    if (n) {
        KOC__TRY(read_list(l, n, "sbom", true, s->sbom, err));
    }
    n = koc__yaml_get(root, "sbomAuthor", true);
    if (n) {
        KOC__TRY(read_string(l, n, "sbomAuthor", &s->sbom_author, err));
    }
    n = koc__yaml_get(root, "builds", true);
    return n ? read_builds(l, n, err) : KOC_OK;
}

/* Checks JSON as JSON; then it is read as YAML, which gives messages their places. Replaces tabs, which
 * YAML does not allow as indentation and which valid JSON has between tokens only. */
static int prepare_json(const char *file, koc__dynbuf *text, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(koc__dynbuf_view(text), KOC__GO_SETTINGS_MAX, file, &doc, err));
    for (size_t i = 0; i < text->len; i++) {
        if (text->ptr[i] == '\t') {
            text->ptr[i] = ' ';
        }
    }
    return KOC_OK;
}

int koc__go_settings_read(koc__go_settings *s, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__GO_SETTINGS_MAX);
    KOC__TRY(koc__fs_read_any(s->path, NULL, &text, err));
    if (koc__str_ends(koc__str(s->path), ".json")) {
        KOC__TRY(prepare_json(s->path, &text, err));
    }
    KOC__AUTO(koc__yaml) doc = NULL;
    KOC__TRY(koc__yaml_parse(koc__dynbuf_view(&text), KOC__GO_SETTINGS_MAX, s->path, &doc, err));
    const loader l = {s, s->path};
    return read_root(&l, koc__yaml_root(doc), err);
}
