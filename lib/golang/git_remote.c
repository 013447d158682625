/* What git knows about the places that other people can fetch a commit from, and about its user. */
#include "core/common.h"

#include "core/run/proc.h"
#include "core/str.h"
#include "golang/go_env.h"
#include "golang/golang.h"

#define URL_MAX ((size_t)4096)

/* --- URLs without secrets --- */

static bool is_plain(koc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c)) {
            return false;
        }
    }
    return text.len > 0 && text.len < URL_MAX;
}

/* "git" names the service. Any other name may belong to a person, and a password is a secret. */
static char *assemble(const char *scheme, koc_str authority, koc_str path)
{
    koc_str user = {0}, host = authority, password;
    KOC__AUTO_STR lower = NULL;
    (void)koc__str_rcut(authority, '@', &user, &host);
    (void)koc__str_cut(user, ':', &user, &password);
    bool keep = koc__streq(scheme, "ssh") && koc__str_is(user, "git");
    size_t n = 0;
    while (n < path.len && path.ptr[n] != '?' && path.ptr[n] != '#') {
        n++;
    }
    path = koc__str_n(path.ptr, n);
    while (koc__str_starts(path, "/")) {
        path = koc__str_from(path, 1);
    }
    while (koc__str_ends(path, "/")) {
        path.len--;
    }
    lower = koc__str_lower(host);
    return lower && host.len > 0 && path.len > 0
               ? koc__format("%s://%s%s/%.*s", scheme, keep ? "git@" : "", lower, KOC__FMT(path))
               : NULL;
}

char *koc__git_public_url(const char *url)
{
    static const char *const schemes[][2] = {
        {"https", "https"}, {"http", "http"}, {"ssh", "ssh"},        {"git+ssh", "ssh"},
        {"ssh+git", "ssh"}, {"git", "git"},   {"git+https", "https"}};
    koc_str text = koc__str(url), authority, path;
    const char *mark = strstr(url, "://");
    if (!is_plain(text)) {
        return NULL;
    }
    if (!mark) { /* host:path, as scp writes it; a slash before the colon makes it a local path */
        bool remote = koc__str_cut(text, ':', &authority, &path) && authority.len > 1 &&
                      !koc__str_starts(path, ":") && !memchr(authority.ptr, '/', authority.len);
        return remote ? assemble("ssh", authority, path) : NULL;
    }
    koc_str scheme = koc__str_n(url, (size_t)(mark - url));
    if (!koc__str_cut(koc__str(mark + 3), '/', &authority, &path)) {
        return NULL;
    }
    for (size_t i = 0; i < KOC__COUNT(schemes); i++) {
        if (koc__str_is(scheme, schemes[i][0])) {
            return assemble(schemes[i][1], authority, path);
        }
    }
    return NULL;
}

/* --- git --- */

/* Whether one of the remote's branches is in refs, lines of "refs/remotes/<remote>/<branch>". */
static bool has_branch_of(koc_str refs, koc_str remote)
{
    koc_str line;
    while (koc__str_split(&refs, '\n', &line)) {
        koc_str rest = koc__str_from(line, strlen("refs/remotes/"));
        if (koc__str_starts(line, "refs/remotes/") && rest.len > remote.len &&
            memcmp(rest.ptr, remote.ptr, remote.len) == 0 && rest.ptr[remote.len] == '/') {
            return true;
        }
    }
    return false;
}

/* Lines of "name<tab>url (fetch)". origin wins, then the first one. */
static char *choose(koc_str remotes, koc_str refs)
{
    KOC__AUTO_STR chosen = NULL;
    koc_str line, name, rest, url, kind;
    while (koc__str_split(&remotes, '\n', &line)) {
        if (!koc__str_cut(line, '\t', &name, &rest) || !koc__str_cut(rest, ' ', &url, &kind) ||
            !koc__str_starts(kind, "(fetch)") || !has_branch_of(refs, name)) {
            continue;
        }
        KOC__AUTO_STR text = koc__str_dup(url);
        KOC__AUTO_STR clean = text ? koc__git_public_url(text) : NULL;
        if (clean && (!chosen || koc__str_is(name, "origin"))) {
            koc__free(chosen);
            chosen = koc__steal(&clean);
        }
    }
    return koc__steal(&chosen);
}

int koc__git_published(const char *dir, const char *revision, koc__call *call, char **url,
                       koc_error **err)
{
    KOC__AUTO_VAL(koc__proc_result) refs = KOC__PROC_RESULT_INIT;
    KOC__AUTO_VAL(koc__proc_result) remotes = KOC__PROC_RESULT_INIT;
    KOC__AUTO_STR contains = koc__format("--contains=%s", revision);
    const char *const list_refs[] = {"for-each-ref", contains, "--format=%(refname)",
                                     "refs/remotes/", NULL};
    static const char *const list_remotes[] = {"remote", "-v", NULL};
    bool ok = false;
    if (!contains) {
        return koc__oom(err);
    }
    KOC__TRY(koc__git_ask(dir, list_refs, call, &refs, &ok, err));
    if (!ok || refs.output.len == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc__git_ask(dir, list_remotes, call, &remotes, &ok, err));
    if (ok) {
        *url = choose(koc__dynbuf_view(&remotes.output), koc__dynbuf_view(&refs.output));
    }
    return KOC_OK;
}

int koc__git_user(const char *dir, koc__call *call, char **name, char **email, koc_error **err)
{
    static const char *const arguments[] = {"config", "--get-regexp", "^user\\.(name|email)$",
                                            NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    koc_str line, key, value;
    KOC__TRY(koc__git_ask(dir, arguments, call, &result, &ok, err));
    koc_str rest = ok ? koc__dynbuf_view(&result.output) : KOC__STR("");
    while (koc__str_split(&rest, '\n', &line)) { /* the last value counts, as in git */
        if (!koc__str_cut(line, ' ', &key, &value) || value.len == 0) {
            continue;
        }
        char **out = koc__str_is(key, "user.name") ? name : email;
        koc__free(*out);
        *out = koc__str_dup(value);
        if (!*out) {
            return koc__oom(err);
        }
    }
    return KOC_OK;
}
