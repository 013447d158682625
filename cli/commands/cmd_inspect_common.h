/* What the commands that look at one image after the other share. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "args/client_flags.h"
#include "args/place_words.h"

typedef struct look_options {
    client_flags client;
    const char *platform;
    bool json, full, fast;
} look_options;

/* An opened argument. */
typedef struct look {
    const cli *c;
    const look_options *options;
    cli_session *session;
    const koc_place *place;
    const char *name; /* as it was given */
    koc_source *source;
} look;

/* Opens each argument and calls fn; the first failure ends it. An exit code. */
int look_each(cli *c, look_options *o, const cli_list *args,
              int (*fn)(const look *l, koc_error **err));
/* The "more" text about SRC. */
extern const char look_places[];

#endif
