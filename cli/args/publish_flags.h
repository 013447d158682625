/* The flags of every command that builds, and the way from them to images. */
#ifndef CLI_PUBLISH_FLAGS_H
#define CLI_PUBLISH_FLAGS_H

#include "args/client_flags.h"

#include <koc/ext/publish.h>

/* First member of the options of each such command. */
typedef struct publish_flags {
    client_flags client;
    cli_list tags, platforms, ldflags, labels, annotations;
    const char *user, *base_image, *compat, *compression, *sbom, *sbom_dir;
    const char *layout, *tarball, *image_refs, *delve_version, *into;
    int32_t jobs;
    bool push, tag_only, preserve, base_paths, bare, disable_optimizations;
    bool local, debug, no_cache, force, offline, timings;
} publish_flags;

/* What these flags make koc write, for a list. */
#define PUBLISH_OUTPUTS(f) (f)->layout, (f)->tarball, (f)->image_refs, (f)->sbom_dir

extern const cli_flag publish_flag_table[];
void publish_flags_defaults(publish_flags *f);
void publish_flags_free(publish_flags *f);

/* Fills out from f. EXIT_OK, or EXIT_USAGE after one line: nothing was done. out borrows from f. */
int publish_flags_read(const cli *c, const publish_flags *f, koc_publish_options *out);

/* What the commands that build have in common once they run. */
typedef struct publish_session {
    cli_session base;
    const publish_flags *flags;
    bool watching; /* what a build reads is to be known afterwards: */
    char **inputs; /* what the last one that could tell did read */
    size_t n_inputs;
    bool guessing; /* the last one failed, or could not tell */
} publish_session;
int publish_session_open(const cli *c, const publish_flags *f, publish_session *out,
                         koc_error **err);
void publish_session_close(publish_session *s); /* takes an all-zero one */
/* koc_publish with progress and ^C; afterwards its warnings are on stderr. p from publish_flags_read. */
int publish_session_run(publish_session *s, const koc_publish_options *p, koc_published **out,
                        koc_error **err);

#endif
