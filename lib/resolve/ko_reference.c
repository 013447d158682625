/* Parses a reference in a scalar: ko://IMPORTPATH, or ko://IMPORTPATH:TAG, which charts compose of two
 * values. */
#include "core/common.h"

#include "resolve/resolve.h"

#define TAG_MAX 128

static bool is_tag(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && (i == 0 || (c != '.' && c != '-'))) {
            return false;
        }
    }
    return s.len > 0 && s.len <= TAG_MAX;
}

static int reject(koc_str text, const char *why, koc_error **err)
{
    return koc__error(err, KOC_EINVAL, "\"%.*s\": %s", KOC__FMT(text), why);
}

/* Whether it may be an import path; go decides whether it is one. */
static int check_path(koc_str text, koc_str path, koc_error **err)
{
    if (path.len == 0) {
        return reject(text, "a reference without an import path", err);
    }
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= ' ' || c == 0x7F) {
            return reject(text, "white space within a reference", err);
        }
        if (strchr("\"'`\\*?<>|{}[],;!#$%^&()", c)) {
            return reject(text, "not an import path", err);
        }
    }
    if (!koc__str_utf8(path)) {
        return reject(text, "not UTF-8", err);
    }
    if (memchr(path.ptr, '@', path.len)) {
        return reject(text, "a version or digest cannot be part of a reference", err);
    }
    if (memmem(path.ptr, path.len, "...", 3)) {
        return reject(text, "a reference names one package, not a pattern", err);
    }
    return KOC_OK;
}

int koc__ko_reference_read(koc_str text, koc_str prefix, char **out, char **tag, koc_error **err)
{
    if (!koc__ko_reference_begins(text, prefix)) {
        return KOC_OK;
    }
    text = koc__str_trim(text);
    koc_str path = text.len > prefix.len ? koc__str_from(text, prefix.len) : koc__str_n("", 0);
    koc_str before = {0};
    koc_str after = {0};
    bool has_tag = koc__str_rcut(path, ':', &before, &after) && !memchr(after.ptr, '/', after.len);
    KOC__TRY(check_path(text, has_tag ? before : path, err));
    if (has_tag && !is_tag(after)) {
        return reject(text, "the text after the colon is not a tag", err);
    }
    KOC__AUTO_STR reference =
        koc__str_dup(koc__str_n(text.ptr, has_tag ? prefix.len + before.len : text.len));
    KOC__AUTO_STR own_tag = has_tag ? koc__str_dup(after) : NULL;
    if (!reference || (has_tag && !own_tag)) {
        return koc__oom(err);
    }
    *out = koc__steal(&reference);
    *tag = koc__steal(&own_tag);
    return KOC_OK;
}
