/* What the commands that read Kubernetes YAML share: inputs, references, and the images that stand for them. */
#ifndef CLI_MANIFESTS_H
#define CLI_MANIFESTS_H

#include "publish_flags.h"

#include <koc/resolve.h>

#include "watch.h"

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
     "also write which image stands for which reference, as a JSON object"}, \
    {"watch", 'W', CLI_BOOL, MANIFEST_AT(watch), NULL, "Results", \
     "stay, and do it again when a source or input file changes"}
/* clang-format on */

void manifest_flags_defaults(void *flags);
void manifest_flags_free(manifest_flags *f);

/* One run over all inputs. */
typedef struct manifests {
    publish_session *session;
    const manifest_flags *flags;
    koc_resolver *resolver;
    char *piped; /* what stdin held: read once, also when watching */
    size_t piped_len;
    const koc_writer *stream; /* gets each input as soon as it is ready, in order; or NULL */
    size_t written;
    koc_error *stream_error;
    size_t n_built;
} manifests;
/* What has to be right before anything is done: EXIT_OK, or EXIT_USAGE after a line. */
int manifests_check(const cli *c, const manifest_flags *f);
int manifests_load(manifests *m, koc_error **err);
/* Builds what is not in --map-from, each reference once, and writes --map. */
int manifests_build(manifests *m, const koc_publish_options *p, koc_error **err);
/* Everything that was not streamed yet. */
int manifests_write(manifests *m, const koc_writer *w, koc_error **err);
/* For --watch: the inputs, and what is not to be looked at. */
watch manifests_watch(const manifests *m);
/* Ready for another run over the same flags. */
void manifests_reset(manifests *m);
void manifests_free(manifests *m);

/* A buffer as a writer's sink. */
typedef struct text_sink {
    char *text;
    size_t len, capacity;
} text_sink;
int text_sink_write(void *sink, const void *data, size_t len, koc_error **err);
void text_sink_free(text_sink *s);

#endif
