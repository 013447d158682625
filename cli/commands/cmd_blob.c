/* koc blob: single blobs of a repository, layout or archive, in and out. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args/client_flags.h"

typedef struct blob_options {
    client_flags client;
    const char *output, *put;
} blob_options;

#define AT(member) offsetof(blob_options, member)
static const cli_flag flags[] = {
    {"output", 'o', CLI_STRING, AT(output), "FILE", "Results", "write to FILE instead of stdout",
     CLI_FILES},
    {"put", 0, CLI_STRING, AT(put), "FILE", "What",
     "upload FILE (- is stdin) to the repository REF, print its digest", CLI_FILES},
    CLIENT_FLAG_ROWS(blob_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

enum { COPY = 256 * 1024 };

static int copy_to(const char *path, koc_blob *blob, const koc_op *op, koc_error **err)
{
    koc_reader *in = NULL;
    koc_file *file = NULL;
    char *buf = malloc(COPY);
    size_t n = 1;
    if (!buf) {
        return cli_fail(err, KOC_ENOMEM, "out of memory");
    }
    int rc = koc_file_new(path, 0, op, &file, err);
    rc = rc == KOC_OK ? koc_blob_open(blob, 0, op, &in, err) : rc;
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(in, buf, COPY, &n, err);
        rc = rc == KOC_OK ? koc_file_write(file, buf, n, err) : rc;
    }
    rc = rc == KOC_OK ? koc_file_finish(file, err) : rc;
    koc_file_free(file);
    koc_reader_free(in);
    free(buf);
    return rc;
}

static int get(cli_session *s, const blob_options *o, const koc_reference *r, koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_blob *blob = NULL;
    if (!koc_reference_digest(r)) {
        return cli_fail(err, KOC_EINVAL,
                        "koc blob takes a reference with a digest: REPOSITORY@DIGEST");
    }
    d.digest = *koc_reference_digest(r);
    int rc = koc_client_stat_blob(s->client, r, &s->op, &d.size, err);
    rc = rc == KOC_OK ? koc_client_get_blob(s->client, r, &d, &blob, err) : rc;
    if (rc == KOC_OK) {
        const koc_op *op = cli_session_start(s);
        rc = copy_to(o->output ? o->output : "-", blob, op, err);
        cli_session_settle(s);
    }
    koc_blob_unref(blob);
    return rc;
}

static int put(cli_session *s, const blob_options *o, const koc_reference *r, koc_error **err)
{
    koc_blob *blob = NULL;
    koc_digest digest;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    int rc = koc_blob_from_stream(o->put, &s->op, &blob, err);
    rc = rc == KOC_OK ? koc_client_put_blob(s->client, r, blob, cli_session_start(s), err) : rc;
    cli_session_settle(s);
    rc = rc == KOC_OK ? koc_blob_digest(blob, &s->op, &digest, err) : rc;
    if (rc == KOC_OK) {
        koc_digest_format(&digest, text, sizeof(text), NULL);
        printf("%s@%s\n", koc_reference_string(r), text);
    }
    koc_blob_unref(blob);
    return rc;
}

static int run(cli *c, void *options, const cli_list *args)
{
    blob_options *o = options;
    cli_session session = {0};
    koc_reference *r = NULL;
    koc_error *err = NULL;
    if (args->count != 1) {
        client_flags_free(&o->client);
        return cli_usage(c, "koc blob takes one reference: REPOSITORY@DIGEST");
    }
    int rc = koc_reference_parse(args->items[0], KOC_REFERENCE_TRANSPORTS, &r, &err);
    rc = rc == KOC_OK ? cli_session_open(c, &o->client, 0, &session, &err) : rc;
    if (rc == KOC_OK) {
        rc = o->put ? put(&session, o, r, &err) : get(&session, o, r, &err);
    }
    int code = rc == KOC_OK ? cli_finish_stdout(c, EXIT_OK) : cli_error(c, err);
    koc_error_free(err);
    koc_reference_unref(r);
    cli_session_close(&session);
    client_flags_free(&o->client);
    return code;
}

static const cli_example examples[] = {
    {"koc blob registry.example/app@sha256:8f2c… | tar tz", "what is in a layer"},
    {"koc blob --put notes.txt registry.example/app", "upload a file as a blob"},
    {NULL, NULL},
};
const cli_command cli_blob = {
    .name = "blob",
    .group = "Registry",
    .usage = "koc blob [flags] REPOSITORY@DIGEST",
    .summary = "fetch or upload one blob",
    .description = "Writes a blob to stdout or a file while its digest is checked; content that is "
                   "not what it should be ends in an error, and never in a file.",
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(blob_options),
    .run = run,
};
