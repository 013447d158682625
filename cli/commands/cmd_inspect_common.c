/* One image after the other: opened, looked at, closed. */
#include "commands/cmd_inspect_common.h"

#include <string.h>

const char look_places[] =
    "Places\n"
    "  example.com/app:1               in a registry (docker:// in front of it is fine)\n"
    "  oci:DIR[:NAME][@DIGEST]         in an OCI layout\n"
    "  oci-archive:FILE[:NAME]         in a tar file of an OCI layout\n"
    "  docker-archive:FILE[:NAME]      in a tar file of docker save\n"
    "  ./DIR, ./FILE.tar               one of these, by what is there\n";

static int look_at(cli_session *session, const look_options *o, const char *word,
                   int (*fn)(const look *l, koc_error **err), koc_error **err)
{
    cli_source place = {0};
    look l = {.c = session->c, .options = o, .session = session, .name = word};
    int rc = cli_source_parse(word, 0, &place, err);
    if (rc == KOC_OK) {
        l.place = &place.place;
        rc = koc_source_open(session->ctx, session->client, l.place, &session->op, &l.source, err);
    }
    rc = rc == KOC_OK ? fn(&l, err) : rc;
    koc_source_free(l.source);
    cli_source_free(&place);
    return rc;
}

int look_each(cli *c, look_options *o, const cli_list *args,
              int (*fn)(const look *l, koc_error **err))
{
    cli_session session = {0};
    koc_error *err = NULL;
    int code = EXIT_OK;
    if (args->count == 0) {
        client_flags_free(&o->client);
        return cli_usage(c, "koc %s takes the name of an image", c->command->name);
    }
    int rc = cli_session_open(c, &o->client, 0, &session, &err);
    for (size_t i = 0; rc == KOC_OK && i < args->count; i++) {
        rc = look_at(&session, o, args->items[i], fn, &err);
    }
    code = rc == KOC_OK ? cli_finish_stdout(c, EXIT_OK) : cli_error(c, err);
    koc_error_free(err);
    cli_session_close(&session);
    client_flags_free(&o->client);
    return code;
}
