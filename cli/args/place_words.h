/*
 * The words that name the place of an image, the same for every command (koc_place_parse):
 *
 *   example.com/app:1, docker://example.com/app:1      in a registry
 *   oci:DIR[:NAME][@DIGEST]                             in an OCI layout
 *   oci-archive:FILE[:NAME][@DIGEST]                    in a tar file of an OCI layout
 *   docker-archive:FILE[:NAME]                          in a tar file of docker save
 *   DIR or FILE                                         one of these, by what the path is
 *
 * A word is a path when it begins with "/", "./" or "../", is ".", ".." or "-", ends in ".tar", or names an OCI layout.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "cleanup_macros.h"
#include "cli.h"

enum {
    CLI_SOURCE_PATH = 1u << 0,     /* the word is a path unless it has another prefix */
    CLI_SOURCE_REFERENCE = 1u << 1 /* the word must be a reference */
};

typedef struct cli_source {
    koc_place place;
    koc_buf storage; /* of path, name and digest */
} cli_source;

/* On KOC_EINVAL the message says what is wrong with word. */
int cli_source_parse(const char *word, uint32_t flags, cli_source *out, koc_error **err);
void cli_source_free(cli_source *s); /* accepts an all-zero source */
CLI_DEFINE_AUTO_VAL(cli_source, cli_source_free);
/* The same place with another tag or name. */
int cli_source_tag(const cli_source *s, const char *tag, cli_source *out, koc_error **err);
/* The word that names it, without a digest. From malloc; NULL: out of memory. */
char *cli_source_text(const cli_source *s);

#endif
