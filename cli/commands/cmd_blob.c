/* koc blob: fetches and uploads single blobs of a repository. */
#include "args/client_flags.h"
#include "commands/commands.h"
#include "commands/write_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct blob_options {
    client_flags client;
    const char *output, *put;
} blob_options;

#define AT(member) offsetof(blob_options, member)
static const cli_flag flags[] = {
    {"output", 'o', CLI_STRING, AT(output), "FILE", "Results", "write to FILE instead of stdout",
     CLI_FILES},
    {"put", 0, CLI_STRING, AT(put), "FILE", "Upload",
     "upload FILE (- is stdin) to the repository and print its digest", CLI_FILES},
    CLIENT_FLAG_ROWS(blob_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

static int fetch(cli_session *s, const blob_options *o, const koc_reference *r, koc_error **err)
{
    CLI_AUTO(koc_blob) blob = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    if (!koc_reference_digest(r)) {
        return cli_fail(err, KOC_EINVAL,
                        "koc blob takes a reference with a digest: REPOSITORY@DIGEST");
    }
    d.digest = *koc_reference_digest(r);
    CLI_TRY(koc_client_stat_blob(s->client, r, &s->op, &d.size, err));
    CLI_TRY(koc_client_get_blob(s->client, r, &d, &blob, err));
    int rc = cli_write_blob(o->output ? o->output : "-", blob, cli_session_start(s), err);
    cli_session_settle(s);
    return rc;
}

static int upload(cli_session *s, const blob_options *o, const koc_reference *r, koc_error **err)
{
    CLI_AUTO(koc_blob) blob = NULL;
    koc_digest digest;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    CLI_TRY(koc_blob_from_stream(o->put, &s->op, &blob, err));
    int rc = koc_client_put_blob(s->client, r, blob, cli_session_start(s), err);
    cli_session_settle(s);
    CLI_TRY(rc);
    CLI_TRY(koc_blob_digest(blob, &s->op, &digest, err));
    koc_digest_format(&digest, text, sizeof(text), NULL);
    printf("%s@%s\n", koc_reference_string(r), text);
    return KOC_OK;
}

static int fetch_or_upload(cli_session *s, const void *options, const cli_list *args,
                           koc_error **err)
{
    const blob_options *o = options;
    CLI_AUTO(koc_reference) r = NULL;
    CLI_TRY(koc_reference_parse(args->items[0], KOC_REFERENCE_TRANSPORTS, &r, err));
    return o->put ? upload(s, o, r, err) : fetch(s, o, r, err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const blob_options *o = options;
    if (args->count != 1) {
        return cli_usage(c, "koc blob takes one reference: REPOSITORY@DIGEST");
    }
    return cli_session_run(c, &o->client, fetch_or_upload, o, args);
}

static const cli_example examples[] = {
    {"koc blob registry.example/app@sha256:8f2c… | tar tz", "list the files of a layer"},
    {"koc blob --put notes.txt registry.example/app", "upload a file as a blob"},
    {NULL, NULL},
};
const cli_command cli_blob = {
    .name = "blob",
    .group = "Registry",
    .usage = "koc blob [flags] REPOSITORY@DIGEST",
    .summary = "fetch or upload one blob",
    .description = "Writes a blob to stdout or a file and verifies its digest. A file appears only "
                   "after the digest has been verified.",
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(blob_options),
    .run = run,
};
