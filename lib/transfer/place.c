/* Places of images: parses the texts that name them, validates a caller's koc_place. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/path.h"
#include "core/run/context.h"
#include "core/str.h"

static const struct {
    const char *prefix;
    int32_t kind;
} prefixes[] = {{"oci:", KOC_PLACE_LAYOUT},
                {"oci-archive:", KOC_PLACE_OCI_ARCHIVE},
                {"docker-archive:", KOC_PLACE_DOCKER_ARCHIVE}};

static bool is_layout(const char *path)
{
    KOC__AUTO_STR mark = koc__path_join(path, "oci-layout");
    return mark && koc__fs_exists(mark);
}

static bool looks_like_path(koc_str text)
{
    return koc__str_starts(text, "/") || koc__str_starts(text, "./") ||
           koc__str_starts(text, "../") || koc__str_is(text, ".") || koc__str_is(text, "..") ||
           koc__str_is(text, "-") || koc__str_ends(text, ".tar") || is_layout(text.ptr);
}

/* "docker-daemon:x" and the like, which the strict parser of references rejects by name; not an existing file with
 * such a name. */
static bool is_foreign_transport(const char *text)
{
    KOC__AUTO(koc_reference) plain = NULL;
    KOC__AUTO(koc_reference) strict = NULL;
    koc_str transport, rest;
    if (!koc__str_cut(koc__str(text), ':', &transport, &rest) || transport.len > 60 ||
        koc__fs_exists(text)) {
        return false;
    }
    KOC__AUTO_STR probe = koc__format("%.*s:x", KOC__FMT(transport));
    return probe && koc_reference_parse(probe, 0, &plain, NULL) == KOC_OK &&
           koc_reference_parse(probe, KOC_REFERENCE_TRANSPORTS, &strict, NULL) != KOC_OK;
}

static int reject(const char *text, const char *why, koc_error **err)
{
    return koc__error(err, KOC_EINVAL, "\"%.300s\": %s", text, why);
}

/* What the members of a place in a file point to: a digest, then the path and the name. */
typedef struct file_parts {
    koc_digest digest;
    char text[];
} file_parts;

/* Cuts "@sha256:…" off the end. */
static int cut_digest(file_parts *parts, const char *whole, koc_place *out, koc_error **err)
{
    char *at = strrchr(parts->text, '@');
    koc_str tail = koc__str(at ? at : "");
    if (!koc__str_starts(tail, "@sha256:") && !koc__str_starts(tail, "@sha512:")) {
        return KOC_OK;
    }
    if (koc_digest_parse(at + 1, &parts->digest, NULL) != KOC_OK) {
        return reject(whole, "what follows @ is not a digest", err);
    }
    *at = '\0';
    out->digest = &parts->digest;
    return KOC_OK;
}

/* Cuts ":NAME" off. Names in Docker's archives have colons and slashes themselves, those in layouts may, so the
 * first colon counts; the path of an existing file is never cut. */
static void cut_name(char *text, koc_place *out)
{
    char *colon = strchr(text, ':');
    if (colon && !koc__fs_exists(text)) {
        *colon = '\0';
        out->name = colon[1] ? colon + 1 : NULL;
    }
}

static int32_t kind_of_file(const char *path)
{
    bool tar =
        koc__streq(path, "-") ||
        (!koc__fs_is_dir(path) && (koc__str_ends(koc__str(path), ".tar") || koc__fs_exists(path)));
    return tar ? KOC_PLACE_ARCHIVE : KOC_PLACE_LAYOUT;
}

/* kind 0: decided by what the path names. */
static int parse_file(const char *whole, const char *rest, int32_t kind, koc_buf *storage,
                      koc_place *out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) kept = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc__dynbuf)
    bytes = KOC__DYNBUF_INIT(sizeof(file_parts) + strlen(rest) + 1);
    const file_parts none = {{0}};
    koc_place place = KOC_PLACE_INIT;
    KOC__TRY(koc__dynbuf_put(&bytes, koc__str_n((const char *)&none, sizeof(none)), err));
    KOC__TRY(koc__dynbuf_puts(&bytes, rest, err));
    koc__dynbuf_give(&bytes, &kept);
    file_parts *parts = (file_parts *)(void *)kept.ptr;
    KOC__TRY(cut_digest(parts, whole, &place, err));
    cut_name(parts->text, &place);
    if (!parts->text[0]) {
        return reject(whole, "there is no path in it", err);
    }
    place.path = parts->text;
    place.kind = kind ? kind : kind_of_file(place.path);
    *out = place;
    koc_buf_dispose(storage);
    *storage = kept;
    kept = (koc_buf)KOC_BUF_INIT;
    return KOC_OK;
}

int koc_place_parse(const char *text, uint32_t flags, koc_buf *storage, koc_place *out,
                    koc_error **err)
{
    if (!text || !storage || !out) {
        return koc__misuse(err, "koc_place_parse: text, storage or out is NULL");
    }
    if (flags & ~(uint32_t)(KOC_PARSE_PATH | KOC_PARSE_NO_PATH)) {
        return koc__misuse(err, "koc_place_parse: unknown flags");
    }
    koc_str word = koc__str(text);
    for (size_t i = 0; i < KOC__COUNT(prefixes); i++) {
        if (koc__str_starts(word, prefixes[i].prefix)) {
            return parse_file(text, text + strlen(prefixes[i].prefix), prefixes[i].kind, storage,
                              out, err);
        }
    }
    bool reference = flags & KOC_PARSE_NO_PATH || koc__str_starts(word, "docker://") ||
                     is_foreign_transport(text);
    if (!reference && (flags & KOC_PARSE_PATH || looks_like_path(word))) {
        return parse_file(text, text, 0, storage, out, err);
    }
    koc_place place = KOC_PLACE_INIT;
    place.kind = KOC_PLACE_REGISTRY;
    KOC__TRY(koc_reference_parse(text, KOC_REFERENCE_TRANSPORTS, &place.reference, err));
    *out = place;
    return KOC_OK;
}

/* --- a caller's place --- */

int koc__place_check(const koc_place *from, koc_client *client, koc_place *out, koc_error **err)
{
    koc_place p = KOC_PLACE_INIT;
    KOC__TRY(koc__options_copy(&p, sizeof(p), from, "koc_place", err));
    if (p.kind < KOC_PLACE_REGISTRY || p.kind > KOC_PLACE_MEMORY || p.flags || p.reserved) {
        return koc__misuse(err, "koc_place: kind or flags are unknown, or reserved is not 0");
    }
    if (p.kind == KOC_PLACE_MEMORY && !!p.image + !!p.index + !!p.artifact != 1) {
        return koc__misuse(err, "koc_place: one of image, index and artifact must be set");
    }
    if (p.kind != KOC_PLACE_REGISTRY && p.kind != KOC_PLACE_MEMORY && (!p.path || !*p.path)) {
        return koc__misuse(err, "koc_place: path is NULL or empty");
    }
    if (p.kind == KOC_PLACE_REGISTRY && (!p.reference || !client)) {
        return koc__misuse(err, "koc_place: reference is NULL, or there is no client");
    }
    *out = p;
    return KOC_OK;
}

bool koc__place_is_stream(const koc_place *p)
{
    struct stat st;
    bool archive = p->kind == KOC_PLACE_ARCHIVE || p->kind == KOC_PLACE_OCI_ARCHIVE ||
                   p->kind == KOC_PLACE_DOCKER_ARCHIVE;
    return archive && (koc__streq(p->path, "-") ||
                       (stat(p->path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)));
}
