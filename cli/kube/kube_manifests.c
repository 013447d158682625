/* Reads the inputs of -f, builds what they reference, and writes them with images. */
#include "kube/kube_manifests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child_program.h"
#include "watch/watch_loop.h"

#define PREFIX   "ko://"
#define PIPE_MAX ((size_t)64 << 20)

/* --- flags --- */

void manifest_flags_defaults(void *flags)
{
    publish_flags_defaults(&((manifest_flags *)flags)->publish);
}

static int check_flags(const cli *c, const manifest_flags *f)
{
    if (f->files.count == 0) {
        return cli_usage(c, "koc %s needs its input: -f FILE, -f DIR, or -f - for stdin",
                         c->command->name);
    }
    size_t pipes = 0;
    for (size_t i = 0; i < f->files.count; i++) {
        pipes += strcmp(f->files.items[i], "-") == 0;
    }
    return pipes > 1 ? cli_usage(c, "-f -: stdin can be read only once") : EXIT_OK;
}

/* --- inputs --- */

/* The content of a pipe is kept: it can be read only once, and watching needs it again. */
static int read_pipe(manifests *m, const char *path, text_sink *kept, koc_str *out, koc_error **err)
{
    if (!kept->text) {
        CLI_TRY(pipe_read(m->session->base.c, path, PIPE_MAX, kept, err));
    }
    *out = (koc_str){kept->text, kept->len};
    return KOC_OK;
}

static int add_input(manifests *m, size_t i, koc_error **err)
{
    const char *name = m->flags->files.items[i];
    struct stat st;
    if (m->pipes[i].text || pipe_is(name)) {
        koc_str text = {NULL, 0};
        CLI_TRY(read_pipe(m, name, &m->pipes[i], &text, err));
        const char *label = strcmp(name, "-") == 0 ? "stdin" : name;
        return koc_resolver_add_bytes(m->resolver, label, text, err);
    }
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
        return koc_resolver_add_dir(m->resolver, name, m->flags->recursive, err);
    }
    return koc_resolver_add_file(m->resolver, name, err);
}

int manifests_load(manifests *m, koc_error **err)
{
    koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
    o.selector = m->flags->selector;
    m->pipes = m->pipes ? m->pipes : calloc(m->flags->files.count + 1, sizeof(*m->pipes));
    if (!m->pipes) {
        return cli_fail_memory(err);
    }
    int rc = koc_resolver_new(m->session->base.ctx, &o, &m->resolver, err);
    for (size_t i = 0; rc == KOC_OK && i < m->flags->files.count; i++) {
        rc = add_input(m, i, err);
    }
    const koc_strlist *warnings = koc_resolver_warnings(m->resolver);
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        cli_warn(m->session->base.c, "%s", koc_strlist_get(warnings, i));
    }
    return rc;
}

/* --- images --- */

/* Reads the map from a file or a pipe. */
static int read_map(manifests *m, koc_error **err)
{
    const char *path = m->flags->map_from;
    text_sink *kept = &m->pipes[m->flags->files.count];
    CLI_AUTO(koc_blob) blob = NULL;
    CLI_AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    koc_str json = {NULL, 0};
    if (kept->text || pipe_is(path)) {
        CLI_TRY(read_pipe(m, path, kept, &json, err));
    } else {
        CLI_TRY(koc_blob_from_file(path, NULL, &blob, err));
        CLI_TRY(koc_blob_read_all(blob, PIPE_MAX, NULL, &text, err));
        json = (koc_str){text.ptr, text.len};
    }
    return koc_resolver_read_map(m->resolver, path, json, err);
}

/* With a map nothing is built: a reference that is not in it is an error. */
static int check_map(manifests *m, const koc_strlist *references, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(references); i++) {
        const char *name = koc_strlist_get(references, i);
        if (!koc_resolver_replacement(m->resolver, name)) {
            return cli_fail(err, KOC_ENOTFOUND, "%.1000s: %.1000s: %.2000s does not have it",
                            koc_resolver_place(m->resolver, name), name, m->flags->map_from);
        }
    }
    return KOC_OK;
}

int manifests_write(manifests *m, const koc_writer *w, koc_error **err)
{
    bool complete = false;
    CLI_TRY(koc_resolver_write_ready(m->resolver, w, &complete, err));
    return m->flush ? m->flush(w->self, err) : KOC_OK;
}

int manifests_resolve(manifests *m, const koc_writer *w, koc_error **err)
{
    CLI_TRY(manifests_load(m, err));
    CLI_TRY(manifests_build(m, err));
    return manifests_write(m, w, err);
}

/* The documents that became ready are complete. */
static int on_published(const char *import_path, const char *image, void *payload)
{
    manifests *m = payload;
    (void)import_path;
    (void)image;
    return m->stream && m->flush ? m->flush(m->stream->self, &m->stream_error) : KOC_OK;
}

static int publish(manifests *m, koc_error **err)
{
    CLI_AUTO(koc_published) result = NULL;
    koc_publish_options p = *m->options;
    p.published = on_published;
    p.published_payload = m;
    m->session->resolver = m->resolver;
    m->session->writer = m->stream;
    int rc = publish_session_run(m->session, &p, &result, err);
    m->session->resolver = NULL;
    m->n_built = koc_published_count(result);
    if (rc != KOC_OK && m->stream_error) { /* the callback failed: its error is the cause */
        koc_error_free(*err);
        *err = m->stream_error;
        m->stream_error = NULL;
        rc = koc_error_code(*err);
    }
    return rc;
}

static int write_map(const manifests *m, koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    CLI_AUTO(koc_file) file = NULL;
    CLI_TRY(koc_resolver_write_map(m->resolver, &text, err));
    CLI_TRY(koc_file_new(m->flags->map, 0, NULL, &file, err));
    CLI_TRY(koc_file_write(file, text.ptr, text.len, err));
    return koc_file_finish(file, err);
}

int manifests_build(manifests *m, koc_error **err)
{
    CLI_AUTO(koc_strlist) references = NULL;
    CLI_TRY(koc_resolver_references(m->resolver, &references, err));
    if (koc_strlist_count(references) == 0) {
        cli_note(m->session->base.c, "no reference that begins with %s: nothing is built", PREFIX);
    }
    if (m->stream) { /* documents before the first reference are ready now */
        CLI_TRY(manifests_write(m, m->stream, err));
    }
    if (m->flags->map_from) {
        CLI_TRY(read_map(m, err));
        CLI_TRY(check_map(m, references, err));
    } else if (koc_strlist_count(references) > 0) {
        CLI_TRY(publish(m, err));
    }
    return m->flags->map ? write_map(m, err) : KOC_OK;
}

static void manifests_reset(manifests *m)
{
    koc_resolver_free(m->resolver);
    koc_error_free(m->stream_error);
    m->resolver = NULL;
    m->stream_error = NULL;
    m->n_built = 0;
}

static void manifests_dispose(manifests *m)
{
    manifests_reset(m);
    for (size_t i = 0; m->pipes && i <= m->flags->files.count; i++) {
        text_sink_free(&m->pipes[i]);
    }
    free(m->pipes);
    m->pipes = NULL;
}
CLI_DEFINE_AUTO_VAL(manifests, manifests_dispose);

/* --- running --- */

typedef struct run {
    manifests *m;
    const manifests_command *command;
} run;

static int run_round(void *self)
{
    const run *r = self;
    int code = r->command->round(r->m, r->command->self);
    manifests_reset(r->m);
    return code;
}

int manifests_run(const cli *c, const manifest_flags *f, const manifests_command *command)
{
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    CLI_AUTO_VAL(publish_session) session = {0};
    CLI_AUTO_VAL(manifests) m = {.session = &session, .flags = f, .options = &p};
    CLI_AUTO(koc_error) err = NULL;
    run r = {&m, command};
    CLI_TRY(check_flags(c, f));
    CLI_TRY(publish_flags_read(c, &f->publish, &p));
    if (f->publish.tarball && strcmp(f->publish.tarball, "-") == 0) {
        return cli_usage(c, "--tarball: the YAML goes to stdout: name a file");
    }
    if (command->needs && !child_exists(c, command->needs)) {
        return EXIT_FAILED;
    }
    if (publish_session_open(c, &f->publish, &session, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    const watch_loop loop = {.c = c,
                             .session = &session,
                             .watch = f->watch,
                             .files = &f->files,
                             .map = f->map_from,
                             .outputs = {f->map, PUBLISH_OUTPUTS(&f->publish)},
                             .round = run_round,
                             .self = &r};
    return watch_loop_run(&loop);
}
