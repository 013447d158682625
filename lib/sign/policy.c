/* What a verified provenance and a manifest must say. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "core/text.h"

#define CLOCK_SKEW  300 /* seconds that clocks of two machines may differ */
#define BASE_NAME   "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"

bool koc__policy_needs_provenance(const koc_verify_options *o)
{
    return o->source || o->revision || o->builder || o->max_age_s > 0;
}

bool koc__policy_is(const char *required, const char *type)
{
    bool spdx = koc__streq(type, "https://spdx.dev/Document") ||
                (type && koc__str_starts(koc__str(type), "https://spdx.dev/Document/"));
    bool cyclonedx = type && koc__str_starts(koc__str(type), "https://cyclonedx.org/bom");
    const char *uri = koc__predicate_uri(required);
    if (koc__streq(required, "sbom")) {
        return spdx || cyclonedx;
    }
    return koc__streq(uri, type) || (spdx && koc__streq(uri, "https://spdx.dev/Document"));
}

/* --- the source --- */

/* A repository's address without what SLSA and git put around it: "git+https://h/r.git@refs/tags/v1" is "https://h/r". */
static koc_str plain_repository(const char *uri)
{
    koc_str s = koc__str(uri);
    if (koc__str_starts(s, "git+")) {
        s = koc__str_from(s, 4);
    }
    const char *path = s.len > 0 ? strstr(s.ptr, "://") : NULL;
    path = path ? strchr(path + 3, '/') : NULL;
    const char *at = path ? strchr(path, '@') : NULL;
    s.len = at ? (size_t)(at - s.ptr) : s.len;
    while (koc__str_ends(s, "/")) {
        s.len--;
    }
    if (koc__str_ends(s, ".git")) {
        s.len -= 4;
    }
    return s;
}

static bool is_git(const koc__jnode *dependency)
{
    const char *uri = koc__json_get_str(dependency, "uri");
    return uri && koc__str_starts(koc__str(uri), "git+");
}

/* The repository that was built: as the parameters name it, else the only one among the dependencies. */
static const char *find_source(const koc__jnode *build)
{
    const char *const pointers[] = {"/externalParameters/source/uri",
                                    "/externalParameters/workflow/repository",
                                    "/externalParameters/source"};
    const koc__jnode *d = koc__json_child(koc__json_get(build, "resolvedDependencies"));
    const char *found = NULL;
    for (size_t i = 0; i < KOC__COUNT(pointers); i++) {
        const char *text = koc__json_str(koc__json_at(build, pointers[i]));
        if (text) {
            return text;
        }
    }
    for (; d; d = koc__json_next(d)) {
        if (is_git(d)) {
            if (found) {
                return NULL;
            }
            found = koc__json_get_str(d, "uri");
        }
    }
    return found;
}

static bool has_revision(const koc__jnode *build, koc_str repository, const char *revision)
{
    const koc__jnode *d = koc__json_child(koc__json_get(build, "resolvedDependencies"));
    for (; d; d = koc__json_next(d)) {
        const char *uri = koc__json_get_str(d, "uri");
        const koc__jnode *digest = koc__json_get(d, "digest");
        if (uri && koc__str_eq(plain_repository(uri), repository) &&
            (koc__streq(koc__json_get_str(digest, "gitCommit"), revision) ||
             koc__streq(koc__json_get_str(digest, "sha1"), revision))) {
            return true;
        }
    }
    return false;
}

static int check_source(const koc__jnode *build, const koc_verify_options *o, koc_error **err)
{
    const char *uri = find_source(build);
    if (!uri) {
        return koc__error(err, KOC_EVERIFY,
                          "the provenance does not say which repository was built");
    }
    koc_str repository = plain_repository(uri);
    if (o->source && !koc__str_eq(repository, plain_repository(o->source))) {
        return koc__error(err, KOC_EVERIFY, "the source is %.300s, not %.300s", uri, o->source);
    }
    return !o->revision || has_revision(build, repository, o->revision)
               ? KOC_OK
               : koc__error(err, KOC_EVERIFY, "the source is not at revision %.100s", o->revision);
}

/* --- builder and age --- */

static int check_age(const koc__jnode *metadata, int64_t max_age_s, koc_error **err)
{
    const char *text = koc__json_get_str(metadata, "finishedOn");
    int64_t then;
    text = text ? text : koc__json_get_str(metadata, "startedOn");
    if (!text || !koc__parse_rfc3339(koc__str(text), &then, NULL, NULL)) {
        return koc__error(err, KOC_EVERIFY, "the provenance does not say when it was built");
    }
    int64_t age = koc__now() - then;
    if (age < -CLOCK_SKEW) {
        return koc__error(err, KOC_EVERIFY, "it was built in the future: %.40s", text);
    }
    return age <= max_age_s ? KOC_OK
                            : koc__error(err, KOC_EVERIFY, "it is too old: built %.40s", text);
}

int koc__policy_provenance(const koc__statement *s, const koc_verify_options *o, koc_error **err)
{
    const koc__jnode *predicate = koc__json_get(koc__json_root(s->doc), "predicate");
    const koc__jnode *build = koc__json_get(predicate, "buildDefinition");
    const koc__jnode *run = koc__json_get(predicate, "runDetails");
    const char *builder = koc__json_get_str(koc__json_get(run, "builder"), "id");
    if (o->builder && !koc__streq(builder, o->builder)) {
        return koc__error(err, KOC_EVERIFY, "the builder is %.300s, not %.300s",
                          builder ? builder : "unknown", o->builder);
    }
    if (o->source || o->revision) {
        KOC__TRY(check_source(build, o, err));
    }
    return o->max_age_s > 0 ? check_age(koc__json_get(run, "metadata"), o->max_age_s, err) : KOC_OK;
}

/* --- the base --- */

static bool is_same_name(const koc_reference *want, const koc_reference *have)
{
    return koc__streq(koc_reference_registry(want), koc_reference_registry(have)) &&
           koc__streq(koc_reference_repository(want), koc_reference_repository(have)) &&
           (!koc_reference_tag(want) ||
            koc__streq(koc_reference_tag(want), koc_reference_tag(have)));
}

int koc__policy_base(koc_str manifest, const char *base, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_reference) want = NULL;
    KOC__AUTO(koc_reference) have = NULL;
    int rc = koc_reference_parse(base, 0, &want, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "base");
    }
    KOC__TRY(koc__json_parse(manifest, KOC__MANIFEST_MAX, "manifest", &doc, err));
    const koc__jnode *notes = koc__json_get(koc__json_root(doc), "annotations");
    const char *name = koc__json_get_str(notes, BASE_NAME);
    const char *digest = koc__json_get_str(notes, BASE_DIGEST);
    if (!name || koc_reference_parse(name, 0, &have, NULL) != KOC_OK) {
        return koc__error(err, KOC_EVERIFY, "the image does not name its base");
    }
    if (!is_same_name(want, have)) {
        return koc__error(err, KOC_EVERIFY, "the base is %.300s, not %.300s", name, base);
    }
    const koc_digest *wanted = koc_reference_digest(want);
    return !wanted || koc__streq(digest, koc__digest_str(wanted).s)
               ? KOC_OK
               : koc__error(err, KOC_EVERIFY, "the base is %.300s@%.200s, not %.300s", name,
                            digest ? digest : "", base);
}
