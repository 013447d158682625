/* From -f to bytes with images in them. */
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

/* An error of the program itself. */
static int fail(koc_error **err, koc_code code, const char *what, const char *why)
{
    return cli_fail(err, code, "%.2000s: %.2000s", what, why);
}

/* --- flags --- */

void manifest_flags_defaults(void *flags)
{
    publish_flags_defaults(&((manifest_flags *)flags)->publish);
}

void manifest_flags_free(manifest_flags *f)
{
    cli_list_free(&f->files);
    publish_flags_free(&f->publish);
}

static int manifests_check(const cli *c, const manifest_flags *f)
{
    if (f->files.count == 0) {
        cli_usage(c, "koc %s needs its input: -f FILE, -f FOLDER, or -f - for stdin",
                  c->command->name);
        return EXIT_USAGE;
    }
    size_t pipes = 0;
    for (size_t i = 0; i < f->files.count; i++) {
        pipes += strcmp(f->files.items[i], "-") == 0;
    }
    return pipes > 1 ? cli_usage(c, "-f -: stdin can be read once only") : EXIT_OK;
}

/* --- inputs --- */

/* What came through a pipe is kept: it can be read once, and watching needs it again. */
static int piped(manifests *m, const char *path, text_sink *kept, koc_str *out, koc_error **err)
{
    int rc = kept->text ? KOC_OK : pipe_read(m->session->base.c, path, PIPE_MAX, kept, err);
    *out = (koc_str){kept->text, kept->len};
    return rc;
}

static int add_input(manifests *m, size_t i, koc_error **err)
{
    const char *name = m->flags->files.items[i];
    struct stat st;
    if (m->pipes[i].text || pipe_is(name)) {
        koc_str text = {NULL, 0};
        int rc = piped(m, name, &m->pipes[i], &text, err);
        const char *label = strcmp(name, "-") == 0 ? "stdin" : name;
        return rc == KOC_OK ? koc_resolver_add_bytes(m->resolver, label, text, err) : rc;
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
    int rc = m->pipes ? koc_resolver_new(m->session->base.ctx, &o, &m->resolver, err)
                      : fail(err, KOC_ENOMEM, "koc", "out of memory");
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

/* From a file or a pipe; the last place of m->pipes is the map's. */
static int read_map(manifests *m, koc_error **err)
{
    const char *path = m->flags->map_from;
    text_sink *kept = &m->pipes[m->flags->files.count];
    koc_blob *blob = NULL;
    koc_buf text = KOC_BUF_INIT;
    koc_str json = {NULL, 0};
    int rc = KOC_OK;
    if (kept->text || pipe_is(path)) {
        rc = piped(m, path, kept, &json, err);
    } else {
        rc = koc_blob_from_file(path, NULL, &blob, err);
        rc = rc == KOC_OK ? koc_blob_read_all(blob, PIPE_MAX, NULL, &text, err) : rc;
        json = (koc_str){text.ptr, text.len};
    }
    if (rc == KOC_OK) {
        rc = koc_resolver_read_map(m->resolver, path, json, err);
    }
    koc_buf_dispose(&text);
    koc_blob_unref(blob);
    return rc;
}

/* With a map nothing is built: what it lacks is an error. */
static int check_map(manifests *m, const koc_strlist *references, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(references); i++) {
        const char *name = koc_strlist_get(references, i);
        if (!koc_resolver_replacement(m->resolver, name)) {
            char what[2048];
            snprintf(what, sizeof(what), "%.1000s: %.1000s", koc_resolver_place(m->resolver, name),
                     name);
            char why[2048];
            snprintf(why, sizeof(why), "%.2000s does not have it", m->flags->map_from);
            return fail(err, KOC_ENOTFOUND, what, why);
        }
    }
    return KOC_OK;
}

int manifests_write(manifests *m, const koc_writer *w, koc_error **err)
{
    bool complete = false;
    int rc = koc_resolver_write_ready(m->resolver, w, &complete, err);
    return rc == KOC_OK && m->flush ? m->flush(w->self, err) : rc;
}

static int on_published(const char *import_path, const char *image, void *payload)
{
    manifests *m = payload;
    char *name = malloc(strlen(PREFIX) + strlen(import_path) + 1);
    if (!name) {
        return -1;
    }
    memcpy(name, PREFIX, strlen(PREFIX));
    memcpy(name + strlen(PREFIX), import_path, strlen(import_path) + 1);
    bool held = koc_resolver_place(m->resolver, name) != NULL; /* in this spelling */
    int rc = held ? koc_resolver_set(m->resolver, name, image, &m->stream_error) : KOC_OK;
    free(name);
    if (held && rc == KOC_OK && m->stream) {
        rc = manifests_write(m, m->stream, &m->stream_error);
    }
    return rc;
}

static int publish(manifests *m, const koc_strlist *references, koc_error **err)
{
    cli_list paths = {0};
    koc_published *result = NULL;
    koc_publish_options p = *m->options;
    int rc = KOC_OK;
    for (size_t i = 0; rc == KOC_OK && i < koc_strlist_count(references); i++) {
        if (cli_list_add(&paths, koc_strlist_get(references, i)) != 0) {
            rc = fail(err, KOC_ENOMEM, "koc", "out of memory");
        }
    }
    p.import_paths = cli_list_argv(&paths);
    p.published = on_published;
    p.published_payload = m;
    if (rc == KOC_OK) {
        rc = publish_session_run(m->session, &p, &result, err);
        koc_resolver_locate(m->resolver, err);
        m->n_built = koc_published_count(result);
    }
    if (rc != KOC_OK && m->stream_error) { /* what the callback could not do is the reason */
        koc_error_free(*err);
        *err = m->stream_error;
        m->stream_error = NULL;
        rc = koc_error_code(*err);
    }
    koc_published_free(result);
    cli_list_free(&paths);
    return rc;
}

static int write_map(const manifests *m, koc_error **err)
{
    koc_buf text = KOC_BUF_INIT;
    koc_file *file = NULL;
    int rc = koc_resolver_write_map(m->resolver, &text, err);
    rc = rc == KOC_OK ? koc_file_new(m->flags->map, 0, NULL, &file, err) : rc;
    rc = rc == KOC_OK ? koc_file_write(file, text.ptr, text.len, err) : rc;
    rc = rc == KOC_OK ? koc_file_finish(file, err) : rc;
    koc_file_free(file);
    koc_buf_dispose(&text);
    return rc;
}

int manifests_build(manifests *m, koc_error **err)
{
    koc_strlist *references = NULL;
    int rc = koc_resolver_references(m->resolver, &references, err);
    if (rc == KOC_OK && koc_strlist_count(references) == 0) {
        cli_note(m->session->base.c, "no reference that begins with %s: nothing is built", PREFIX);
    }
    if (rc == KOC_OK && m->stream) {
        rc = manifests_write(m, m->stream, err); /* those without a reference at the beginning */
    }
    if (rc == KOC_OK && m->flags->map_from) {
        rc = read_map(m, err);
        rc = rc == KOC_OK ? check_map(m, references, err) : rc;
    } else if (rc == KOC_OK && koc_strlist_count(references) > 0) {
        rc = publish(m, references, err);
    }
    if (rc == KOC_OK && m->flags->map) {
        rc = write_map(m, err);
    }
    koc_strlist_free(references);
    return rc;
}

static void manifests_reset(manifests *m)
{
    koc_resolver_free(m->resolver);
    koc_error_free(m->stream_error);
    m->resolver = NULL;
    m->stream_error = NULL;
    m->n_built = 0;
}

static void manifests_free(manifests *m)
{
    manifests_reset(m);
    for (size_t i = 0; m->pipes && i <= m->flags->files.count; i++) {
        text_sink_free(&m->pipes[i]);
    }
    free(m->pipes);
    m->pipes = NULL;
}

/* --- the run --- */

typedef struct command {
    manifests *m;
    const manifests_command *what;
} command;

static int one_round(void *self)
{
    command *x = self;
    int code = x->what->round(x->m, x->what->self);
    manifests_reset(x->m);
    return code;
}

int manifests_run(const cli *c, manifest_flags *f, const manifests_command *what)
{
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    publish_session session = {0};
    manifests m = {.session = &session, .flags = f, .options = &p};
    command x = {&m, what};
    koc_error *err = NULL;
    int code = manifests_check(c, f);
    code = code == EXIT_OK ? publish_flags_read(c, &f->publish, &p) : code;
    if (code == EXIT_OK && f->publish.tarball && strcmp(f->publish.tarball, "-") == 0) {
        code = cli_usage(c, "--tarball: stdout is for the YAML here: name a file");
    }
    if (code == EXIT_OK && what->needs && !child_exists(c, what->needs)) {
        code = EXIT_FAILED;
    } else if (code == EXIT_OK && publish_session_open(c, &f->publish, &session, &err) != KOC_OK) {
        code = cli_error(c, err);
        koc_error_free(err);
    } else if (code == EXIT_OK) {
        const rounds all = {.c = c,
                            .session = &session,
                            .watch = f->watch,
                            .files = &f->files,
                            .map = f->map_from,
                            .outputs = {f->map, PUBLISH_OUTPUTS(&f->publish)},
                            .run = one_round,
                            .self = &x};
        code = rounds_run(&all);
    }
    manifests_free(&m);
    publish_session_close(&session);
    manifest_flags_free(f);
    return code;
}
