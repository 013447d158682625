/* koc ls, tag and rm: the names in a registry. */
#include "args/client_flags.h"
#include "args/place_words.h"
#include "commands/commands.h"
#include "term/json_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tag_options {
    client_flags client;
    bool json, manifest;
} tag_options;

#define AT(member) offsetof(tag_options, member)

static int run_with(const cli *c, const tag_options *o, const cli_list *args, size_t at_least,
                    const char *takes, cli_session_fn fn)
{
    if (args->count < at_least) {
        return cli_usage(c, "koc %s takes %s", c->command->name, takes);
    }
    return cli_session_run(c, &o->client, fn, o, args);
}

/* --- ls --- */

static void print_names(const tag_options *o, const char *name, const char *member,
                        const koc_strlist *list)
{
    if (o->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-ls-1");
        cli_json_text("name", name);
        cli_json_open(member, '[');
    }
    for (size_t i = 0; i < koc_strlist_count(list); i++) {
        if (o->json) {
            cli_json_text(NULL, koc_strlist_get(list, i));
        } else {
            printf("%s\n", koc_strlist_get(list, i));
        }
    }
    if (o->json) {
        cli_json_close(']');
        cli_json_close('}');
    }
}

/* Whether word is a registry without a repository: "registry.example", "127.0.0.1:5000", "localhost". */
static bool is_registry(const char *word)
{
    const char *colon = strrchr(word, ':');
    if (strchr(word, '/') || strchr(word, '@')) {
        return false;
    }
    if (colon) {
        return (word[0] == '[' || colon == strchr(word, ':')) &&
               strspn(colon + 1, "0123456789") == strlen(colon + 1);
    }
    return strchr(word, '.') || strcmp(word, "localhost") == 0;
}

static const char *ref_name(const koc_descriptor *d)
{
    for (size_t i = 0; i < d->n_annotations; i++) {
        if (strcmp(d->annotations[i].key, "org.opencontainers.image.ref.name") == 0) {
            return d->annotations[i].value;
        }
    }
    return NULL;
}

static void print_entry(const tag_options *o, const koc_descriptor *d)
{
    char text[KOC_DIGEST_TEXT_MAX];
    const char *name = ref_name(d);
    koc_digest_format(&d->digest, text, sizeof(text), NULL);
    if (o->json) {
        cli_json_open(NULL, '{');
        cli_json_text("name", name);
        cli_json_text("digest", text);
        cli_json_text("mediaType", d->media_type);
        cli_json_close('}');
    } else {
        printf("%s%s%s\n", name ? name : "", name ? "  " : "", text);
    }
}

static int list_layout(const cli_session *s, const tag_options *o, const koc_place *p,
                       koc_error **err)
{
    CLI_AUTO(koc_layout) layout = NULL;
    CLI_AUTO(koc_index) idx = NULL;
    CLI_TRY(koc_layout_open(s->ctx, p->path, 0, &layout, err));
    CLI_TRY(koc_layout_list(layout, &idx, err));
    if (o->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-ls-1");
        cli_json_text("name", p->path);
        cli_json_open("images", '[');
    }
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        print_entry(o, koc_index_get(idx, i));
    }
    if (o->json) {
        cli_json_close(']');
        cli_json_close('}');
    }
    return KOC_OK;
}

static int list_one(cli_session *s, const tag_options *o, const char *word, koc_error **err)
{
    CLI_AUTO_VAL(cli_source) place = {0};
    CLI_AUTO(koc_strlist) list = NULL;
    word += strncmp(word, "docker://", 9) == 0 ? 9 : 0;
    if (is_registry(word)) {
        CLI_TRY(koc_client_list_repositories(s->client, word, &s->op, &list, err));
        print_names(o, word, "repositories", list);
        return KOC_OK;
    }
    CLI_TRY(cli_source_parse(word, 0, &place, err));
    if (place.place.kind == KOC_PLACE_LAYOUT) {
        return list_layout(s, o, &place.place, err);
    }
    if (place.place.kind != KOC_PLACE_REGISTRY) {
        return cli_fail(err, KOC_EUNSUPPORTED,
                        "cannot list an archive: koc inspect shows its content");
    }
    CLI_TRY(koc_client_list_tags(s->client, place.place.reference, &s->op, &list, err));
    print_names(o, word, "tags", list);
    return KOC_OK;
}

static int list_all(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    for (size_t i = 0; i < args->count; i++) {
        CLI_TRY(list_one(s, options, args->items[i], err));
    }
    return KOC_OK;
}

static int run_ls(cli *c, void *options, const cli_list *args)
{
    return run_with(c, options, args, 1, "a repository, a registry or a layout", list_all);
}

static const cli_flag ls_flags[] = {
    {"json", 0, CLI_BOOL, AT(json), NULL, "Results", "print a JSON document"},
    CLIENT_FLAG_ROWS(tag_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example ls_examples[] = {
    {"koc ls registry.example/app", "the tags of a repository"},
    {"koc ls registry.example", "the repositories of a registry, if it lists them"},
    {"koc ls oci:out", "the images in an OCI layout"},
    {NULL, NULL},
};
const cli_command cli_ls = {
    .name = "ls",
    .group = "Registry",
    .usage = "koc ls [flags] REPOSITORY|REGISTRY|LAYOUT...",
    .summary = "list tags, repositories or the content of a layout",
    .description =
        "Lists the tags of a repository, one per line; the repositories of a registry; or "
        "the names and digests in an OCI layout.",
    .examples = ls_examples,
    .complete = CLI_FILES,
    .flags = ls_flags,
    .options_size = sizeof(tag_options),
    .run = run_ls,
};

/* --- tag --- */

static int put_tag(cli_session *s, const koc_reference *from, const char *tag, koc_str bytes,
                   const char *media_type, koc_error **err)
{
    CLI_AUTO(koc_reference) plain = NULL;
    CLI_AUTO(koc_reference) to = NULL;
    koc_digest digest;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    CLI_TRY(koc_reference_with_digest(from, NULL, &plain, err));
    CLI_TRY(koc_reference_with_tag(plain, tag, &to, err));
    CLI_TRY(koc_client_put_manifest(s->client, to, media_type, bytes, &s->op, &digest, err));
    koc_digest_format(&digest, text, sizeof(text), NULL);
    printf("%s@%s\n", koc_reference_string(to), text);
    return KOC_OK;
}

static int put_tags(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    CLI_AUTO(koc_reference) from = NULL;
    CLI_AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    CLI_AUTO_VAL(koc_buf) type = KOC_BUF_INIT;
    (void)options;
    CLI_TRY(koc_reference_parse(args->items[0], KOC_REFERENCE_TRANSPORTS, &from, err));
    CLI_TRY(koc_client_get_manifest(s->client, from, &s->op, &bytes, &type, NULL, err));
    for (size_t i = 1; i < args->count; i++) {
        CLI_TRY(put_tag(s, from, args->items[i], (koc_str){bytes.ptr, bytes.len}, type.ptr, err));
    }
    return KOC_OK;
}

static int run_tag(cli *c, void *options, const cli_list *args)
{
    return run_with(c, options, args, 2, "a reference and one or more tags", put_tags);
}

static const cli_flag tag_flags[] = {
    CLIENT_FLAG_ROWS(tag_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example tag_examples[] = {
    {"koc tag registry.example/app:1.4.2 1.4 1 latest", "three more names for the same image"},
    {NULL, NULL},
};
const cli_command cli_tag = {
    .name = "tag",
    .group = "Registry",
    .usage = "koc tag [flags] REF TAG...",
    .summary = "add tags to an image in a registry",
    .description = "Writes the unchanged manifest of REF under each TAG in the same repository. "
                   "Prints the new references.",
    .examples = tag_examples,
    .flags = tag_flags,
    .options_size = sizeof(tag_options),
    .run = run_tag,
};

/* --- rm --- */

/* Replaces the tag of *r by the digest that the tag has now. */
static int pin(cli_session *s, koc_reference **r, koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    CLI_AUTO(koc_reference) untagged = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_reference *pinned = NULL;
    CLI_TRY(koc_client_resolve(s->client, *r, &s->op, &storage, &d, err));
    CLI_TRY(koc_reference_with_tag(*r, NULL, &untagged, err));
    CLI_TRY(koc_reference_with_digest(untagged, &d.digest, &pinned, err));
    koc_reference_unref(*r);
    *r = pinned;
    return KOC_OK;
}

static int remove_one(cli_session *s, const tag_options *o, const char *word, koc_error **err)
{
    CLI_AUTO(koc_reference) r = NULL;
    CLI_TRY(koc_reference_parse(word, KOC_REFERENCE_TRANSPORTS, &r, err));
    if (!koc_reference_tag(r) && !koc_reference_digest(r)) {
        return cli_fail(err, KOC_EINVAL, "koc rm takes references with a tag or a digest");
    }
    if (o->manifest && !koc_reference_digest(r)) {
        CLI_TRY(pin(s, &r, err));
    }
    CLI_TRY(koc_client_delete_manifest(s->client, r, &s->op, err));
    cli_verb(s->c, "Removed", "%s", koc_reference_string(r));
    return KOC_OK;
}

static int remove_all(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    for (size_t i = 0; i < args->count; i++) {
        CLI_TRY(remove_one(s, options, args->items[i], err));
    }
    return KOC_OK;
}

static int run_rm(cli *c, void *options, const cli_list *args)
{
    return run_with(c, options, args, 1, "one or more references", remove_all);
}

static const cli_flag rm_flags[] = {
    {"manifest", 0, CLI_BOOL, AT(manifest), NULL, "Selection",
     "remove the manifest that a tag names, and with it all its tags"},
    CLIENT_FLAG_ROWS(tag_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example rm_examples[] = {
    {"koc rm registry.example/app:old", "one tag, if the registry can remove tags"},
    {"koc rm --manifest registry.example/app:old", "the image, with all its tags"},
    {NULL, NULL},
};
const cli_command cli_rm = {
    .name = "rm",
    .group = "Registry",
    .usage = "koc rm [flags] REF...",
    .summary = "remove tags or manifests from a registry",
    .description = "Removes a tag; or, given a digest or --manifest, a manifest and all its tags. "
                   "Many registries support only one of the two, or neither.",
    .examples = rm_examples,
    .flags = rm_flags,
    .options_size = sizeof(tag_options),
    .run = run_rm,
};
