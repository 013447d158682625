/* Shared by the commands that derive an image from another: reading it, changing each platform, writing it. */
#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include <koc/ext/edit.h>

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

/* What is edited, and where it came from. */
typedef struct edited {
    cli_source place;
    koc_edit *edit;
} edited;

/* Opens the image or index that word names, and selects the platforms of f. edited_close must be called even after a
 * failure. */
int edited_open(cli_session *s, const char *word, const edit_flags *f, edited *out,
                koc_error **err);
void edited_close(edited *e); /* accepts an all-zero one */
CLI_DEFINE_AUTO_VAL(edited, edited_close);
/* Writes e to the target (NULL: back to its source) and prints the reference. */
int edited_store(cli_session *s, edited *e, const edit_flags *f, koc_error **err);

#endif
