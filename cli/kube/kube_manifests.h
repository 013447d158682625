/* Shared by the commands that read Kubernetes YAML: inputs, references, and the images that replace them. */
#ifndef CLI_MANIFESTS_H
#define CLI_MANIFESTS_H

#include "args/publish_flags.h"

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
     "YAML or JSON: a file, a directory, or - for stdin (repeatable)"}, \
    {"recursive", 'R', CLI_BOOL, MANIFEST_AT(recursive), NULL, "Input", "also read subdirectories"}, \
    {"selector", 'l', CLI_STRING, MANIFEST_AT(selector), "QUERY", "Input", \
     "keep only objects with these labels"}, \
    {"map-from", 0, CLI_STRING, MANIFEST_AT(map_from), "FILE", "Input", \
     "take the images from this JSON object instead of building them"}, \
    {"map", 0, CLI_STRING, MANIFEST_AT(map), "FILE", "Results", \
     "also write a JSON object that maps references to images"}
#define WATCH_FLAG_ROW \
    {"watch", 'W', CLI_BOOL, MANIFEST_AT(watch), NULL, "Results", \
     "keep running, and start again after a source or input file changes"}
/* clang-format on */

void manifest_flags_defaults(void *flags);

/* One run over all inputs. */
typedef struct manifests {
    publish_session *session;
    const manifest_flags *flags;
    const koc_publish_options *options;
    koc_resolver *resolver;
    text_sink *pipes; /* content of inputs that are pipes; the last one is that of the map */
    const koc_writer *stream; /* gets documents as soon as they are ready, in order; or NULL */
    int (*flush)(void *stream_self, koc_error **err); /* called after whole documents; or NULL */
    koc_error *stream_error;
    size_t n_built;
} manifests;
int manifests_load(manifests *m, koc_error **err);
/* Builds each reference once unless there is a --map-from, and writes --map. */
int manifests_build(manifests *m, koc_error **err);
/* Writes everything that is ready and was not streamed. */
int manifests_write(manifests *m, const koc_writer *w, koc_error **err);
/* Loads, builds and writes. */
int manifests_resolve(manifests *m, const koc_writer *w, koc_error **err);

/* The part in which commands differ: the round. */
typedef struct manifests_command {
    int (*round)(manifests *m, void *self); /* one run; returns an exit code */
    void *self;
    const char *needs; /* a program that must be on PATH; or NULL */
} manifests_command;
/* Checks f, opens a session and does a round; with f->watch a round after each change. Returns an exit code. */
int manifests_run(const cli *c, const manifest_flags *f, const manifests_command *command);

#endif
