/* Shared by the commands that examine images one by one. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "args/client_flags.h"
#include "args/place_words.h"

typedef struct inspect_options {
    client_flags client;
    const char *platform;
    bool json, full, fast;
} inspect_options;

/* An opened argument. */
typedef struct inspected {
    const cli *c;
    const inspect_options *options;
    cli_session *session;
    const char *name; /* as given on the command line */
    koc_source *source;
} inspected;

typedef int (*inspect_fn)(const inspected *x, koc_error **err);
/* Opens each argument and calls fn; stops at the first failure. Returns an exit code. */
int inspect_each(const cli *c, const inspect_options *o, const cli_list *args, inspect_fn fn);
/* The `more` text about SRC. */
extern const char inspect_places[];

/* Whether a media type is that of an index or of an image manifest; NULL is neither. */
bool is_index_type(const char *media_type);
bool is_manifest_type(const char *media_type);

#endif
