/* What the commands that read Kubernetes YAML share: inputs, references, and the images that stand for them. */
#ifndef CLI_MANIFESTS_H
#define CLI_MANIFESTS_H

#include "args/publish_flags.h"

#include <koc/resolve.h>

#include "term/stdin_stdout.h"

/* First member of the options of each such command. */
typedef struct manifest_flags {
    publish_flags publish;
    cli_list files;
    const char *selector, *map, *map_from;
    bool recursive, watch;
} manifest_flags;

/* Rows of a flag table. */
#define MANIFEST_AT(member) offsetof(manifest_flags, member)
/* clang-format off */
#define MANIFEST_FLAG_ROWS \
    {"filename", 'f', CLI_CSV, MANIFEST_AT(files), "FILE", "Input", \
     "YAML or JSON: a file, a folder, or - for stdin; may be repeated"}, \
    {"recursive", 'R', CLI_BOOL, MANIFEST_AT(recursive), NULL, "Input", "look into the sub-folders of folders too"}, \
    {"selector", 'l', CLI_STRING, MANIFEST_AT(selector), "QUERY", "Input", \
     "only objects with these labels; all else is left out"}, \
    {"map-from", 0, CLI_STRING, MANIFEST_AT(map_from), "FILE", "Input", \
     "take the images from this JSON object instead of building them"}, \
    {"map", 0, CLI_STRING, MANIFEST_AT(map), "FILE", "Results", \
     "also write which image stands for which reference, as a JSON object"}
#define WATCH_FLAG_ROW \
    {"watch", 'W', CLI_BOOL, MANIFEST_AT(watch), NULL, "Results", \
     "stay, and do it again when a source or input file changes"}
/* clang-format on */

void manifest_flags_defaults(void *flags);
void manifest_flags_free(manifest_flags *f);

/* One run over all inputs. */
typedef struct manifests {
    publish_session *session;
    const manifest_flags *flags;
    const koc_publish_options *options;
    koc_resolver *resolver;
    text_sink
        *pipes; /* what came through the pipes among the inputs, and through that of the map */
    const koc_writer *stream; /* gets documents as soon as they are ready, in order; or NULL */
    int (*flush)(void *stream_self, koc_error **err); /* they are whole now; or NULL */
    koc_error *stream_error;
    size_t n_built;
} manifests;
int manifests_load(manifests *m, koc_error **err);
/* Builds what is not in --map-from, each reference once, and writes --map. */
int manifests_build(manifests *m, koc_error **err);
/* Everything that is ready and was not streamed yet. */
int manifests_write(manifests *m, const koc_writer *w, koc_error **err);

/* What a command does with them. */
typedef struct manifests_command {
    int (*round)(manifests *m, void *self); /* load, build, write, and more: an exit code */
    void *self;
    const char *needs; /* a program that has to be there; or NULL */
} manifests_command;
/* Checks f, opens a session, does a round (with f->watch: again and again), and frees all, f too. For those that
 * fail before it there is manifest_flags_free. */
int manifests_run(const cli *c, manifest_flags *f, const manifests_command *what);

#endif
