/* Shared by the commands that derive an image from another: reading it, changing each platform, writing it. */
#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include "args/client_flags.h"
#include "args/place_words.h"

typedef struct edit_flags {
    client_flags client;
    cli_list platforms;
    const char *target;
    bool json;
} edit_flags;

/* clang-format off */
#define EDIT_FLAG_ROWS(type, member) \
    {"tag", 't', CLI_STRING, offsetof(type, member.target), "DST", "Destination", \
     "write the new image to this place, in any form that koc copy accepts"}, \
    {"json", 0, CLI_BOOL, offsetof(type, member.json), NULL, "Destination", \
     "print a JSON report instead of the reference"}, \
    {"platform", 0, CLI_CSV, offsetof(type, member.platforms), "LIST", "Selection", \
     "change only these platforms of an index (default all)", CLI_PLATFORMS}, \
    CLIENT_FLAG_ROWS(type, member.client, "Registries")
/* clang-format on */

/* An image or an index that is being changed. It is in memory; its layers stay where they are until it is written. */
typedef struct edited {
    cli_source place;
    koc_source *source; /* NULL: it starts from scratch */
    koc_index *index;   /* NULL: it is a single image */
    koc_image **images; /* of the index, or the single one; NULL for entries that are not images */
    size_t n;
    size_t skipped; /* entries that are not images: attestations of the old images */
} edited;

#define BASE_NAME   "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"
/* The annotations that record a base image: its digest, and its name if the place is a registry. */
void base_annotations(const koc_place *place, const koc_digest *d, char digest[KOC_DIGEST_TEXT_MAX],
                      koc_kv out[2]);

/* Opens the image or index that word names. edited_close must be called even after a failure. */
int edited_open(cli_session *s, const char *word, edited *out, koc_error **err);
void edited_close(edited *e); /* accepts an all-zero one */
CLI_DEFINE_AUTO_VAL(edited, edited_close);

/* Derives a new image from old, which is borrowed. */
typedef int (*edit_fn)(cli_session *s, koc_image *old, void *payload, koc_image **out,
                       koc_error **err);
typedef struct edit_change {
    const cli_list *platforms; /* the images to change; empty: all */
    edit_fn fn;
    void *payload;
    const koc_kv *annotations; /* for the index, n of them */
    size_t n;
} edit_change;
/* Applies the change to the images of the wanted platforms. KOC_EPLATFORM: there is no such image. */
int edited_apply(cli_session *s, edited *e, const edit_change *change, koc_error **err);
/* Writes e to the target (NULL: back to its source) and prints the reference. */
int edited_store(cli_session *s, edited *e, const edit_flags *f, koc_error **err);

#endif
