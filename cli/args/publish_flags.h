/* The flags of every command that builds, and the session in which it does. */
#ifndef CLI_PUBLISH_FLAGS_H
#define CLI_PUBLISH_FLAGS_H

#include "args/client_flags.h"

/* First member of the options of each such command. */
typedef struct publish_flags {
    client_flags client;
    cli_list tags, platforms, ldflags, labels, annotations, sbom;
    const char *user, *base_image, *compat, *compression, *sbom_author, *sbom_dir;
    const char *layout, *tarball, *image_refs, *delve_version, *into;
    int32_t jobs;
    bool push, tag_only, preserve, base_paths, bare, disable_optimizations;
    bool local, debug, no_cache, force, offline, timings;
} publish_flags;

/* The files and directories that these flags make koc write, as items of an initializer. */
#define PUBLISH_OUTPUTS(f) (f)->layout, (f)->tarball, (f)->image_refs, (f)->sbom_dir

extern const cli_flag publish_flag_table[];
void publish_flags_defaults(void *publish_flags);
/* Whether a repository names the local engine or the nodes of a cluster ("ko.local", "kind.local/app"), not a
 * registry. NULL is not local. */
bool is_local_repository(const char *repository);

/* Fills out from f; out borrows from f. EXIT_OK, or EXIT_USAGE after an error line. */
int publish_flags_read(const cli *c, const publish_flags *f, koc_publish_options *out);

/* The session of a command that builds. */
typedef struct publish_session {
    cli_session base;
    const publish_flags *flags;
    bool watching; /* the inputs of a build must be known afterwards: */
    char **inputs; /* those of the last build that could list them */
    size_t n_inputs;
    bool guessing;          /* the last build failed or could not list its inputs */
    koc_resolver *resolver; /* publish what it refers to, and replace that; or NULL */
    const koc_writer
        *writer; /* gets the documents of resolver as soon as they are ready; or NULL */
} publish_session;
int publish_session_open(const cli *c, const publish_flags *f, publish_session *out,
                         koc_error **err);
void publish_session_close(publish_session *s); /* accepts an all-zero session */
CLI_DEFINE_AUTO_VAL(publish_session, publish_session_close);
/* Calls koc_publish, or koc_resolve, with progress and ^C, then prints its warnings. p comes from publish_flags_read. */
int publish_session_run(publish_session *s, const koc_publish_options *p, koc_published **out,
                        koc_error **err);

#endif
