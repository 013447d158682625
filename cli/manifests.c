/* From -f to bytes with images in them. */
#include "manifests.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX    "ko://"
#define STDIN_MAX ((size_t)64 << 20)
#define MAP_MAX   ((size_t)64 << 20)

/* --- sinks --- */

int text_sink_write(void *self, const void *data, size_t len, koc_error **err)
{
    text_sink *s = self;
    if (s->len + len + 1 > s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 65536;
        while (capacity < s->len + len + 1) {
            capacity *= 2;
        }
        char *text = realloc(s->text, capacity);
        if (!text) {
            *err = koc_error_new(KOC_ENOMEM, "out of memory");
            return KOC_ENOMEM;
        }
        s->text = text;
        s->capacity = capacity;
    }
    memcpy(s->text + s->len, data, len);
    s->len += len;
    s->text[s->len] = '\0';
    return KOC_OK;
}

void text_sink_free(text_sink *s)
{
    free(s->text);
    *s = (text_sink){0};
}

/* An error of the program itself. */
static int fail(koc_error **err, koc_code code, const char *what, const char *why)
{
    char text[4096];
    snprintf(text, sizeof(text), "%.2000s: %.2000s", what, why);
    *err = koc_error_new(code, text);
    return code;
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

int manifests_check(const cli *c, const manifest_flags *f)
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

/* A pipe may stay silent for long, and ^C must end that too. */
static int read_stdin(manifests *m, koc_error **err)
{
    text_sink all = {0};
    for (;;) {
        char chunk[65536];
        struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
        if (koc_cancel_is_triggered(m->session->base.c->cancel)) {
            text_sink_free(&all);
            return fail(err, KOC_ECANCELLED, "-", "cancelled");
        }
        if (poll(&fd, 1, 100) <= 0) {
            continue;
        }
        ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (n == 0) {
            break;
        }
        int rc = KOC_OK;
        if (n < 0 && errno != EINTR) {
            rc = fail(err, KOC_EIO, "cannot read stdin", strerror(errno));
        } else if (n > 0 && all.len + (size_t)n > STDIN_MAX) {
            rc = fail(err, KOC_ELIMIT, "-", "more than 64 MiB of YAML");
        } else if (n > 0) {
            rc = text_sink_write(&all, chunk, (size_t)n, err);
        }
        if (rc != KOC_OK) {
            text_sink_free(&all);
            return rc;
        }
    }
    m->piped = all.text ? all.text : calloc(1, 1);
    m->piped_len = all.len;
    return m->piped ? KOC_OK : fail(err, KOC_ENOMEM, "-", "out of memory");
}

static int add_input(manifests *m, const char *name, koc_error **err)
{
    struct stat st;
    if (strcmp(name, "-") == 0) {
        int rc = m->piped ? KOC_OK : read_stdin(m, err);
        koc_str text = {m->piped, m->piped_len};
        return rc == KOC_OK ? koc_resolver_add_bytes(m->resolver, "stdin", text, err) : rc;
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
    int rc = koc_resolver_new(m->session->base.ctx, &o, &m->resolver, err);
    for (size_t i = 0; rc == KOC_OK && i < m->flags->files.count; i++) {
        rc = add_input(m, m->flags->files.items[i], err);
    }
    const koc_strlist *warnings = koc_resolver_warnings(m->resolver);
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        cli_warn(m->session->base.c, "%s", koc_strlist_get(warnings, i));
    }
    return rc;
}

/* --- images --- */

static int read_map(manifests *m, koc_error **err)
{
    const char *path = m->flags->map_from;
    koc_blob *blob = NULL;
    koc_buf text = KOC_BUF_INIT;
    int rc = koc_blob_from_file(path, NULL, &blob, err);
    if (rc == KOC_OK) {
        rc = koc_blob_read_all(blob, MAP_MAX, NULL, &text, err);
    }
    if (rc == KOC_OK) {
        rc = koc_resolver_read_map(m->resolver, path, (koc_str){text.ptr, text.len}, err);
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

static int write_ready(manifests *m, const koc_writer *w, koc_error **err)
{
    while (m->written < koc_resolver_count(m->resolver) &&
           koc_resolver_is_ready(m->resolver, m->written)) {
        int rc = koc_resolver_write_input(m->resolver, m->written, w, err);
        if (rc != KOC_OK) {
            return rc;
        }
        m->written++;
    }
    return KOC_OK;
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
    int rc = koc_resolver_set(m->resolver, name, image, &m->stream_error);
    free(name);
    m->n_built++;
    if (rc == KOC_OK && m->stream) {
        rc = write_ready(m, m->stream, &m->stream_error);
    }
    return rc;
}

static int publish(manifests *m, const koc_publish_options *options, const koc_strlist *references,
                   koc_error **err)
{
    cli_list paths = {0};
    koc_published *result = NULL;
    koc_publish_options p = *options;
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
    char temporary[4096];
    const char *path = m->flags->map;
    int rc = koc_resolver_write_map(m->resolver, &text, err);
    if (rc != KOC_OK) {
        return rc;
    }
    snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid());
    FILE *f = fopen(temporary, "w");
    bool good = f && fwrite(text.ptr, 1, text.len, f) == text.len;
    good = f && fclose(f) == 0 && good;
    if (!good || rename(temporary, path) != 0) {
        rc = fail(err, KOC_EIO, path, strerror(errno));
        (void)remove(temporary);
    }
    koc_buf_dispose(&text);
    return rc;
}

int manifests_build(manifests *m, const koc_publish_options *p, koc_error **err)
{
    koc_strlist *references = NULL;
    int rc = koc_resolver_references(m->resolver, &references, err);
    if (rc == KOC_OK && m->stream) {
        rc = write_ready(m, m->stream, err); /* those without a reference at the beginning */
    }
    if (rc == KOC_OK && m->flags->map_from) {
        rc = read_map(m, err);
        rc = rc == KOC_OK ? check_map(m, references, err) : rc;
    } else if (rc == KOC_OK && koc_strlist_count(references) > 0) {
        rc = publish(m, p, references, err);
    }
    if (rc == KOC_OK && m->flags->map) {
        rc = write_map(m, err);
    }
    koc_strlist_free(references);
    return rc;
}

int manifests_write(manifests *m, const koc_writer *w, koc_error **err)
{
    return write_ready(m, w, err);
}

watch manifests_watch(const manifests *m)
{
    const publish_flags *f = &m->flags->publish;
    watch w = {
        .c = m->session->base.c,
        .inputs = &m->flags->files,
        .outputs = {m->flags->map, f->layout, f->tarball, f->image_refs, f->sbom_dir},
    };
    return w;
}

void manifests_reset(manifests *m)
{
    koc_resolver_free(m->resolver);
    koc_error_free(m->stream_error);
    m->resolver = NULL;
    m->stream_error = NULL;
    m->written = 0;
    m->n_built = 0;
}

void manifests_free(manifests *m)
{
    manifests_reset(m);
    free(m->piped);
    m->piped = NULL;
}
