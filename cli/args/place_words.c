/* Reads a word that names an image into a koc_place. */
#include "args/place_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_source_parse(const char *word, uint32_t flags, cli_source *out, koc_error **err)
{
    *out = (cli_source){.place = KOC_PLACE_INIT};
    if (!(flags & CLI_SOURCE_REFERENCE)) {
        return koc_place_parse(word, flags & CLI_SOURCE_PATH ? KOC_PARSE_PATH : 0, &out->storage,
                               &out->place, err);
    }
    out->place.kind = KOC_PLACE_REGISTRY;
    return koc_reference_parse(word, KOC_REFERENCE_TRANSPORTS, &out->place.reference, err);
}

void cli_source_free(cli_source *s)
{
    koc_reference_unref(s->place.reference);
    koc_buf_dispose(&s->storage);
    *s = (cli_source){0};
}

/* "oci:", so that the printed text can be used as an argument again. */
static const char *prefix_of(int32_t kind)
{
    switch (kind) {
    case KOC_PLACE_LAYOUT: return "oci:";
    case KOC_PLACE_OCI_ARCHIVE: return "oci-archive:";
    case KOC_PLACE_DOCKER_ARCHIVE: return "docker-archive:";
    default: return "";
    }
}

static char *path_text(const koc_place *p, const char *name)
{
    if (!p->path) { /* of a word that was rejected */
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
    CLI_AUTO(koc_reference) plain = NULL;
    if (s->place.kind != KOC_PLACE_REGISTRY) {
        return path_text(&s->place, s->place.name);
    }
    bool good = koc_reference_with_digest(s->place.reference, NULL, &plain, NULL) == KOC_OK;
    return good ? strdup(koc_reference_string(plain)) : NULL;
}

int cli_source_tag(const cli_source *s, const char *tag, cli_source *out, koc_error **err)
{
    *out = (cli_source){.place = s->place};
    out->place.digest = NULL;
    if (s->place.kind == KOC_PLACE_REGISTRY) {
        out->place.reference = NULL;
        return koc_reference_with_tag(s->place.reference, tag, &out->place.reference, err);
    }
    const koc_str path = {s->place.path, strlen(s->place.path)};
    int rc = koc_buf_set(&out->storage, path, err);
    out->place.path = out->storage.ptr;
    out->place.name = NULL; /* derived from the source reference */
    return rc;
}
