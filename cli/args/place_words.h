/*
 * The words that name the place of an image, the same for every command (koc_place_parse):
 *
 *   example.com/app:1, docker://example.com/app:1      in a registry
 *   oci:DIR[:NAME][@DIGEST]                             in an OCI layout
 *   oci-archive:FILE[:NAME][@DIGEST]                    in a tar file of an OCI layout
 *   docker-archive:FILE[:NAME]                          in a tar file of docker save
 *   DIR or FILE                                         one of these, by what is there
 *
 * A word is a path when it begins with "/", "./" or "../", is ".", ".." or "-", ends in ".tar", or names an OCI layout.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "cli.h"

#include <koc/ext/transfer.h>

enum {
    CLI_SOURCE_PATH = 1u << 0,     /* the word is a path unless a prefix says something else */
    CLI_SOURCE_REFERENCE = 1u << 1 /* the word is a reference: nothing else will do */
};

typedef struct cli_source {
    koc_place place;
    koc_buf storage; /* of path, name and digest */
} cli_source;

/* KOC_EINVAL says what is wrong with word. */
int cli_source_parse(const char *word, uint32_t flags, cli_source *out, koc_error **err);
void cli_source_free(cli_source *s); /* takes an all-zero one */
/* The same place with another tag or name. */
int cli_source_tag(const cli_source *s, const char *tag, cli_source *out, koc_error **err);
/* How it is written, without a digest. From malloc; NULL: out of memory. */
char *cli_source_text(const cli_source *s);

#endif
