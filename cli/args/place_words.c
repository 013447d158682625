/* Where an image is: from a word of the command line to a koc_place. */
#include "args/place_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool starts(const char *word, const char *prefix)
{
    return strncmp(word, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *word, const char *end)
{
    size_t len = strlen(word), n = strlen(end);
    return len > n && strcmp(word + len - n, end) == 0;
}

static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_layout(const char *path)
{
    char mark[4096];
    int n = snprintf(mark, sizeof(mark), "%s/oci-layout", path);
    return n > 0 && (size_t)n < sizeof(mark) && is_there(mark);
}

static bool looks_like_path(const char *word)
{
    return word[0] == '/' || starts(word, "./") || starts(word, "../") || strcmp(word, ".") == 0 ||
           strcmp(word, "..") == 0 || strcmp(word, "-") == 0 || ends(word, ".tar") ||
           is_layout(word);
}

static int fail(koc_error **err, const char *word, const char *why)
{
    return cli_fail(err, KOC_EINVAL, "\"%.300s\": %s", word, why);
}

/* Takes "@sha256:…" off the end of s->text. */
static int take_digest(cli_source *s, const char *word, koc_error **err)
{
    char *at = strrchr(s->text, '@');
    if (!at || (!starts(at, "@sha256:") && !starts(at, "@sha512:"))) {
        return KOC_OK;
    }
    if (koc_digest_parse(at + 1, &s->digest, NULL) != KOC_OK) {
        return fail(err, word, "what follows @ is not a digest");
    }
    *at = '\0';
    s->place.digest = &s->digest;
    return KOC_OK;
}

/* Takes ":NAME" off the path. Docker's names have colons and slashes themselves, those of layouts may. A
 * path that is there is never cut. */
static void take_name(cli_source *s)
{
    char *colon = strchr(s->text, ':');
    if (colon && !is_there(s->text)) {
        *colon = '\0';
        s->place.name = colon[1] ? colon + 1 : NULL;
    }
}

static int parse_path(cli_source *s, const char *word, const char *rest, int32_t kind,
                      koc_error **err)
{
    s->text = strdup(rest);
    if (!s->text) {
        return fail(err, word, "out of memory");
    }
    int rc = take_digest(s, word, err);
    if (rc != KOC_OK) {
        return rc;
    }
    take_name(s);
    if (!s->text[0]) {
        return fail(err, word, "there is no path in it");
    }
    if (!kind) {
        bool tar = strcmp(s->text, "-") == 0 ||
                   (!is_folder(s->text) && (ends(s->text, ".tar") || is_there(s->text)));
        kind = tar ? KOC_PLACE_ARCHIVE : KOC_PLACE_LAYOUT;
    }
    s->place.kind = kind;
    s->place.path = s->text;
    return KOC_OK;
}

/* "docker-daemon:x" and the like, which the parser of references refuses by name; not a file that is called so. */
static bool is_skopeos(const char *word)
{
    char probe[64];
    size_t len = strcspn(word, ":");
    if (!word[len] || len + 3 > sizeof(probe) || is_there(word)) {
        return false;
    }
    snprintf(probe, sizeof(probe), "%.*s:x", (int)len, word);
    koc_reference *plain = NULL, *strict = NULL;
    bool is_name = koc_reference_parse(probe, 0, &plain, NULL) == KOC_OK;
    bool refused = koc_reference_parse(probe, KOC_REFERENCE_TRANSPORTS, &strict, NULL) != KOC_OK;
    koc_reference_unref(plain);
    koc_reference_unref(strict);
    return is_name && refused;
}

static int parse(const char *word, uint32_t flags, cli_source *s, koc_error **err)
{
    static const struct {
        const char *prefix;
        int32_t kind;
    } prefixes[] = {{"oci:", KOC_PLACE_LAYOUT},
                    {"oci-archive:", KOC_PLACE_OCI_ARCHIVE},
                    {"docker-archive:", KOC_PLACE_DOCKER_ARCHIVE}};
    for (size_t i = 0; i < 3 && !(flags & CLI_SOURCE_REFERENCE); i++) {
        if (starts(word, prefixes[i].prefix)) {
            return parse_path(s, word, word + strlen(prefixes[i].prefix), prefixes[i].kind, err);
        }
    }
    bool named = starts(word, "docker://") || is_skopeos(word);
    if (!named && !(flags & CLI_SOURCE_REFERENCE) &&
        (flags & CLI_SOURCE_PATH || looks_like_path(word))) {
        return parse_path(s, word, word, 0, err);
    }
    s->place.kind = KOC_PLACE_REGISTRY;
    int rc = koc_reference_parse(word, KOC_REFERENCE_TRANSPORTS, &s->reference, err);
    s->place.reference = s->reference;
    return rc;
}

int cli_source_parse(const char *word, uint32_t flags, cli_source *out, koc_error **err)
{
    *out = (cli_source){.place = KOC_PLACE_INIT};
    int rc = parse(word, flags, out, err);
    if (rc != KOC_OK) {
        cli_source_free(out);
    }
    return rc;
}

void cli_source_free(cli_source *s)
{
    koc_reference_unref(s->reference);
    free(s->text);
    *s = (cli_source){0};
}

void cli_source_move(cli_source *to, cli_source *from)
{
    *to = *from;
    to->place.digest = from->place.digest ? &to->digest : NULL;
    *from = (cli_source){0};
}

/* "oci:", so that what is printed can be given back. */
static const char *prefix_of(int32_t kind)
{
    switch (kind) {
    case KOC_PLACE_LAYOUT: return "oci:";
    case KOC_PLACE_OCI_ARCHIVE: return "oci-archive:";
    case KOC_PLACE_DOCKER_ARCHIVE: return "docker-archive:";
    default: return "";
    }
}

static char *written(const koc_place *p, const char *name)
{
    if (!p->path) { /* a word that was refused */
        return NULL;
    }
    size_t size = strlen(p->path) + (name ? strlen(name) : 0) + 32;
    char *text = malloc(size);
    if (text) {
        snprintf(text, size, "%s%s%s%s", prefix_of(p->kind), p->path, name ? ":" : "",
                 name ? name : "");
    }
    return text;
}

char *cli_source_text(const cli_source *s)
{
    koc_reference *plain = NULL;
    if (s->place.kind != KOC_PLACE_REGISTRY) {
        return written(&s->place, s->place.name);
    }
    if (koc_reference_with_digest(s->reference, NULL, &plain, NULL) != KOC_OK) {
        return NULL;
    }
    char *text = strdup(koc_reference_string(plain));
    koc_reference_unref(plain);
    return text;
}

int cli_source_tag(const cli_source *s, const char *tag, cli_source *out, koc_error **err)
{
    *out = (cli_source){.place = s->place};
    out->place.digest = NULL;
    if (s->place.kind == KOC_PLACE_REGISTRY) {
        int rc = koc_reference_with_tag(s->reference, tag, &out->reference, err);
        out->place.reference = out->reference;
        return rc;
    }
    out->text = strdup(s->place.path);
    out->place.path = out->text;
    out->place.name = NULL; /* by the reference it comes from */
    return out->text ? KOC_OK : fail(err, tag, "out of memory");
}
