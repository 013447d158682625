/* What commands that make an image out of another share: reading it, changing each platform, writing it. */
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
    {"tag", 't', CLI_STRING, offsetof(type, member.target), "DST", "Where to", \
     "where the new image goes, in any form that copy takes"}, \
    {"json", 0, CLI_BOOL, offsetof(type, member.json), NULL, "Where to", \
     "print a JSON report instead of the reference"}, \
    {"platform", 0, CLI_CSV, offsetof(type, member.platforms), "LIST", "What", \
     "change only these of an index, the others stay (default all)", CLI_PLATFORMS}, \
    CLIENT_FLAG_ROWS(type, member.client, "Registries")
/* clang-format on */

void edit_flags_free(edit_flags *f);

/* An image or an index in memory, its layers wherever they are. */
typedef struct picture {
    cli_source place;
    koc_source *source; /* NULL: it starts from nothing */
    koc_index *index;   /* or NULL: one image */
    koc_image **images; /* of the index, or the one */
    size_t n;
    size_t left_out; /* entries that are no images: attestations of the old ones */
} picture;

#define BASE_NAME   "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"
/* What says that an image stands on d at place: its digest, and its name where others can use that. */
void base_annotations(const koc_place *place, const koc_digest *d, char digest[KOC_DIGEST_TEXT_MAX],
                      koc_kv out[2]);

/* Whether one of the platforms (all when there are none) is that of p. */
bool picture_wanted(const cli_list *platforms, const koc_platform *p);
/* Opens what word names. After a failure picture_close is still to be called. */
int picture_open(cli_session *s, const char *word, picture *out, koc_error **err);
void picture_close(picture *p); /* takes an all-zero one */

/* Makes one image out of another; old is borrowed. */
typedef int (*edit_fn)(cli_session *s, koc_image *old, void *payload, koc_image **out,
                       koc_error **err);
/* Changes the wanted images; index_annotations (n of them) go into the index. KOC_EPLATFORM: none is wanted. */
int picture_edit(cli_session *s, picture *p, const cli_list *platforms, edit_fn fn, void *payload,
                 const koc_kv *index_annotations, size_t n, koc_error **err);
/* Writes p to target (NULL: back where it came from) and prints where it is. */
int picture_store(cli_session *s, picture *p, const edit_flags *f, koc_error **err);

#endif
