/* Platforms: text form, JSON form, matching. */
#include "core/common.h"

#include "core/str.h"
#include "model/model.h"
#include "model/pack.h"

#define PLATFORM_TEXT_MAX 256

/* The parts of a text form; empty: not given. */
typedef struct spec {
    koc_str os;
    koc_str arch;
    koc_str variant;
    koc_str os_version;
} spec;

/* false: more than three parts, or white space and control characters. */
static bool read_spec(koc_str text, spec *out)
{
    *out = (spec){0};
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c == 0x7F) {
            return false;
        }
    }
    koc_str rest = text;
    koc__str_cut(text, ':', &rest, &out->os_version);
    koc_str *parts[] = {&out->os, &out->arch, &out->variant};
    for (size_t i = 0; i < KOC__COUNT(parts); i++) {
        koc_str after = {0};
        if (!koc__str_cut(rest, '/', parts[i], &after)) {
            *parts[i] = rest;
            return true;
        }
        rest = after;
    }
    return false;
}

/* --- spellings --- */

/* Aliases for the names of Go and registries (containerd's platforms.Normalize), and the names themselves, to
 * correct their case. */
static const struct {
    const char *name, *arch, *variant;
} architectures[] = {
    {"x86_64", "amd64", NULL},    {"x86-64", "amd64", NULL},    {"aarch64", "arm64", NULL},
    {"armhf", "arm", "v7"},       {"armel", "arm", "v6"},       {"i386", "386", NULL},
    {"amd64", "amd64", NULL},     {"arm64", "arm64", NULL},     {"arm", "arm", NULL},
    {"386", "386", NULL},         {"ppc64le", "ppc64le", NULL}, {"s390x", "s390x", NULL},
    {"riscv64", "riscv64", NULL},
};
static const char *const systems[] = {"linux", "darwin", "windows", "freebsd"};
static const char *const variants[] = {"v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"};

/* "V7", "7" and, of arm64, "v8.0" are "v7" and "v8". Others stay as they are. */
static const char *spell_variant(const char *arch, const char *variant)
{
    koc_str v = koc__str(variant);
    koc_str whole = {0}, rest = {0};
    if (koc__streq(arch, "arm64") && koc__str_cut(v, '.', &whole, &rest) &&
        koc__str_is(rest, "0")) {
        v = whole;
    }
    for (size_t i = 0; i < KOC__COUNT(variants); i++) {
        koc_str name = koc__str(variants[i]);
        if (koc__str_ieq(v, name) || koc__str_eq(v, koc__str_from(name, 1))) {
            return variants[i];
        }
    }
    return variant;
}

koc_platform koc__platform_spelled(const koc_platform *p)
{
    koc_platform out = *p;
    for (size_t i = 0; p->os && i < KOC__COUNT(systems); i++) {
        if (koc__str_ieq(koc__str(p->os), koc__str(systems[i]))) {
            out.os = systems[i];
        }
    }
    if (p->os && koc__str_ieq(koc__str(p->os), koc__str("macos"))) {
        out.os = "darwin";
    }
    for (size_t i = 0; p->arch && i < KOC__COUNT(architectures); i++) {
        if (koc__str_ieq(koc__str(p->arch), koc__str(architectures[i].name))) {
            out.arch = architectures[i].arch;
            out.variant = p->variant ? p->variant : architectures[i].variant;
            break;
        }
    }
    out.variant = out.variant ? spell_variant(out.arch, out.variant) : NULL;
    return out;
}

/* The default variant of an architecture. */
static const char *effective_variant(const koc_platform *p)
{
    if (p->variant || !p->arch) {
        return p->variant;
    }
    return koc__streq(p->arch, "arm64")   ? "v8"
           : koc__streq(p->arch, "arm")   ? "v7"
           : koc__streq(p->arch, "amd64") ? "v1"
                                          : NULL;
}

/* --- text --- */

/* Os, architecture, variant and version, each with its NUL, one after the other. */
typedef struct parts {
    char text[PLATFORM_TEXT_MAX + 4];
    size_t len[4], used;
} parts;

/* false: text is not a platform. */
static bool read_parts(const char *text, parts *out)
{
    koc_str trimmed = koc__str_trim(koc__str(text));
    spec s = {0};
    *out = (parts){0};
    if (trimmed.len > PLATFORM_TEXT_MAX || !read_spec(trimmed, &s)) {
        return false;
    }
    const koc_str from[] = {s.os, s.arch, s.variant, s.os_version};
    for (size_t i = 0; i < KOC__COUNT(from); i++) {
        memcpy(out->text + out->used, from[i].len ? from[i].ptr : "", from[i].len);
        out->len[i] = from[i].len;
        out->used += from[i].len + 1;
    }
    return out->used > KOC__COUNT(from);
}

/* The platform whose parts are at text, in normal spelling. */
static koc_platform platform_at(const char *text, const parts *p)
{
    const char *strings[KOC__COUNT(p->len)] = {0};
    for (size_t i = 0; i < KOC__COUNT(p->len); i++) {
        strings[i] = p->len[i] ? text : NULL;
        text += p->len[i] + 1;
    }
    const koc_platform given = {sizeof(given), 0,          strings[0], strings[1],
                                strings[2],    strings[3], NULL};
    return koc__platform_spelled(&given);
}

int koc_platform_parse(const char *text, koc_buf *storage, koc_platform *out, koc_error **err)
{
    parts p;
    if (!text || !storage || !out) {
        return koc__misuse(err, "koc_platform_parse: text, storage or out is NULL");
    }
    if (!read_parts(text, &p)) {
        return koc__error(err, KOC_EINVAL,
                          "\"%.*s\" is not a platform: os[/architecture[/variant]][:os.version] is "
                          "expected, for example linux/arm64",
                          KOC__FMT(koc__str(text)));
    }
    KOC__TRY(koc_buf_set(storage, koc__str_n(p.text, p.used), err));
    *out = platform_at(storage->ptr, &p);
    return KOC_OK;
}

char *koc__platform_str(const koc_platform *p)
{
    if (!p) {
        return koc__strdup("");
    }
    return koc__format("%s%s%s%s%s%s%s", p->os ? p->os : "", p->arch || p->variant ? "/" : "",
                       p->arch ? p->arch : "", p->variant ? "/" : "", p->variant ? p->variant : "",
                       p->os_version ? ":" : "", p->os_version ? p->os_version : "");
}

bool koc__platform_equal(const koc_platform *a, const koc_platform *b)
{
    if (!a || !b) {
        return a == b;
    }
    return koc__streq(a->os, b->os) && koc__streq(a->arch, b->arch) &&
           koc__streq(a->variant, b->variant) && koc__streq(a->os_version, b->os_version);
}

int koc_platform_format(const koc_platform *p, koc_buf *out, koc_error **err)
{
    if (!p || !out) {
        return koc__misuse(err, "koc_platform_format: p or out is NULL");
    }
    KOC__AUTO_STR text = koc__platform_str(p);
    return text ? koc_buf_set(out, koc__str(text), err) : koc__oom(err);
}

/* What could not be written as text: koc_platform_parse would read another platform. */
static bool is_part(const char *text, const char *separators)
{
    for (const char *c = text; c && *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7F || strchr(separators, *c)) {
            return false;
        }
    }
    return true;
}

int koc__platform_check(const koc_platform *p, koc_error **err)
{
    if (is_part(p->os, "/:") && is_part(p->arch, "/:") && is_part(p->variant, "/:") &&
        is_part(p->os_version, "")) {
        return KOC_OK;
    }
    KOC__AUTO_STR text = koc__platform_str(p);
    return text ? koc__error(err, KOC_EINVAL, "\"%s\" is not a platform", text) : koc__oom(err);
}

/* --- copies --- */

koc_platform *koc__platform_dup(const koc_platform *p)
{
    koc__pack pack = {0};
    koc__pack_platform(&pack, p);
    pack = (koc__pack){.base = p ? koc__malloc(pack.used) : NULL};
    if (!pack.base) {
        return NULL;
    }
    koc__pack_platform(&pack, p);
    /* The platform is at the beginning of its block. */
    return (koc_platform *)(void *)pack.base;
}

void koc__platform_free(koc_platform *p)
{
    koc__free(p);
}

/* --- JSON --- */

/* A string member; absent, null and "" are unset. */
static int read_member(const koc__jnode *object, const char *name, const char **out,
                       koc_error **err)
{
    const koc__jnode *n = koc__json_get(object, name);
    *out = NULL;
    if (!n || koc__json_is(n, KOC__JSON_NULL)) {
        return KOC_OK;
    }
    const char *s = koc__json_str(n);
    if (!s) {
        return koc__error(err, KOC_EFORMAT, "the platform's \"%s\" is not a string", name);
    }
    *out = s[0] ? s : NULL;
    return KOC_OK;
}

/* *out: a list to be freed alone, its strings borrowed from n; NULL when there is none. */
static int read_features(const koc__jnode *object, const char ***out, koc_error **err)
{
    const koc__jnode *list = koc__json_get(object, "os.features");
    size_t count = koc__json_count(list);
    *out = NULL;
    if (!list || koc__json_is(list, KOC__JSON_NULL)) {
        return KOC_OK;
    }
    bool good = koc__json_is(list, KOC__JSON_ARRAY);
    const char **features = count > 0 ? koc__calloc(count + 1, sizeof(*features)) : NULL;
    if (count > 0 && !features) {
        return koc__oom(err);
    }
    size_t n = 0;
    for (const koc__jnode *c = koc__json_child(list); c && good; c = koc__json_next(c)) {
        features[n] = koc__json_str(c);
        good = features[n++] != NULL;
    }
    if (!good) {
        koc__free(features);
        return koc__error(err, KOC_EFORMAT,
                          "the platform's \"os.features\" is not a list of strings");
    }
    *out = features;
    return KOC_OK;
}

int koc__platform_read(const koc__jnode *n, koc_platform **out, koc_error **err)
{
    if (!koc__json_is(n, KOC__JSON_OBJECT)) {
        return koc__error(err, KOC_EFORMAT, "the platform is not a JSON object");
    }
    koc_platform p = KOC_PLATFORM_INIT;
    KOC__TRY(read_member(n, "os", &p.os, err));
    KOC__TRY(read_member(n, "architecture", &p.arch, err));
    KOC__TRY(read_member(n, "variant", &p.variant, err));
    KOC__TRY(read_member(n, "os.version", &p.os_version, err));
    const char **features = NULL;
    KOC__TRY(read_features(n, &features, err));
    p.os_features = features;
    koc_platform *copy = koc__platform_dup(&p);
    koc__free(features);
    if (!copy) {
        return koc__oom(err);
    }
    *out = copy;
    return KOC_OK;
}

void koc__platform_write(koc__jw *w, const koc_platform *p)
{
    koc__jw_object(w);
    koc__jw_kv(w, "architecture", p->arch ? p->arch : "");
    koc__jw_kv(w, "os", p->os ? p->os : "");
    koc__jw_kv(w, "os.version", p->os_version);
    if (p->os_features && p->os_features[0]) {
        koc__jw_key(w, "os.features");
        koc__jw_array(w);
        for (size_t i = 0; p->os_features[i]; i++) {
            koc__jw_str(w, p->os_features[i]);
        }
        koc__jw_array_end(w);
    }
    koc__jw_kv(w, "variant", p->variant);
    koc__jw_object_end(w);
}

/* --- matching --- */

bool koc__platform_is_unknown(const koc_platform *p)
{
    return p && (koc__streq(p->os, "unknown") || koc__streq(p->arch, "unknown"));
}

static size_t count_dots(koc_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += s.ptr[i] == '.';
    }
    return n;
}

/* 10.0.20348 matches each 10.0.20348.N of Windows. */
static bool version_matches(koc_str os, koc_str want, koc_str have)
{
    if (koc__str_eq(want, have)) {
        return true;
    }
    return koc__str_is(os, "windows") && count_dots(want) == 2 && count_dots(have) == 3 &&
           have.len > want.len && have.ptr[want.len] == '.' &&
           memcmp(have.ptr, want.ptr, want.len) == 0;
}

static bool part_matches(const char *want, const char *have)
{
    return !want || !*want || koc__streq(want, have);
}

/* Whether have matches want, both in normal spelling. Members that want does not have may be anything. */
static bool serves(const koc_platform *want, const koc_platform *have)
{
    return part_matches(want->os, have->os) && part_matches(want->arch, have->arch) &&
           (!want->variant || koc__streq(effective_variant(want), effective_variant(have))) &&
           (!want->os_version || version_matches(koc__str(want->os), koc__str(want->os_version),
                                                 koc__str(have->os_version)));
}

bool koc__platform_wanted(const koc_strlist *items, const koc_platform *have)
{
    size_t n = koc_strlist_count(items);
    if (n == 0 || koc__platform_is_unknown(have)) {
        return false;
    }
    if (koc__str_is(koc__str_trim(koc__str(koc_strlist_get(items, 0))), "all")) {
        return true;
    }
    if (!have) {
        return false;
    }
    const koc_platform there = koc__platform_spelled(have);
    /* Nothing is allocated: without memory an image would count as unwanted, and be left out silently. */
    for (size_t i = 0; i < n; i++) {
        parts p;
        if (read_parts(koc_strlist_get(items, i), &p)) {
            const koc_platform want = platform_at(p.text, &p);
            if (serves(&want, &there)) {
                return true;
            }
        }
    }
    return false;
}

static bool has_features(const char *const *want, const char *const *have)
{
    for (size_t i = 0; want && want[i]; i++) {
        bool found = false;
        for (size_t k = 0; have && have[k] && !found; k++) {
            found = strcmp(want[i], have[k]) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

bool koc_platform_matches(const koc_platform *want, const koc_platform *have)
{
    if (!want || !have || koc__platform_is_unknown(have)) {
        return false;
    }
    const koc_platform asked = koc__platform_spelled(want), there = koc__platform_spelled(have);
    return serves(&asked, &there) && has_features(want->os_features, have->os_features);
}
