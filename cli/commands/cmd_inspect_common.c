/* Opens images one by one, for a function that examines each. */
#include "commands/cmd_inspect_common.h"

#include <string.h>

const char inspect_places[] =
    "Places\n"
    "  example.com/app:1               in a registry (also with docker:// in front)\n"
    "  oci:DIR[:NAME][@DIGEST]         in an OCI layout\n"
    "  oci-archive:FILE[:NAME]         in a tar file of an OCI layout\n"
    "  docker-archive:FILE[:NAME]      in a tar file of docker save\n"
    "  ./DIR, ./FILE.tar               one of these, by what the path is\n";

bool is_index_type(const char *media_type)
{
    return media_type && (strcmp(media_type, KOC_MT_OCI_INDEX) == 0 ||
                          strcmp(media_type, KOC_MT_DOCKER_LIST) == 0);
}

bool is_manifest_type(const char *media_type)
{
    return media_type && (strcmp(media_type, KOC_MT_OCI_MANIFEST) == 0 ||
                          strcmp(media_type, KOC_MT_DOCKER_MANIFEST) == 0);
}

static int inspect_one(cli_session *s, const inspect_options *o, const char *word, inspect_fn fn,
                       koc_error **err)
{
    CLI_AUTO_VAL(cli_source) place = {0};
    CLI_AUTO(koc_source) source = NULL;
    CLI_TRY(cli_source_parse(word, 0, &place, err));
    CLI_TRY(koc_source_open(s->ctx, s->client, &place.place, &s->op, &source, err));
    const inspected x = {.c = s->c, .options = o, .session = s, .name = word, .source = source};
    return fn(&x, err);
}

int inspect_each(const cli *c, const inspect_options *o, const cli_list *args, inspect_fn fn)
{
    CLI_AUTO_VAL(cli_session) s = {0};
    CLI_AUTO(koc_error) err = NULL;
    if (args->count == 0) {
        return cli_usage(c, "koc %s takes the name of an image", c->command->name);
    }
    int rc = cli_session_open(c, &o->client, 0, &s, &err);
    for (size_t i = 0; rc == KOC_OK && i < args->count; i++) {
        rc = inspect_one(&s, o, args->items[i], fn, &err);
    }
    return cli_exit_code(c, rc, err);
}
