/* koc ls, tag, rm: what a registry's names stand for. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args/client_flags.h"
#include "args/place_words.h"
#include "term/json_output.h"

#include <koc/store.h>

typedef struct tag_options {
    client_flags client;
    bool json, manifest;
} tag_options;

#define AT(member) offsetof(tag_options, member)

/* --- what they share --- */

typedef int (*tag_fn)(cli_session *s, const tag_options *o, const cli_list *args, koc_error **err);

static int run_with(cli *c, tag_options *o, const cli_list *args, size_t at_least, const char *what,
                    tag_fn fn)
{
    cli_session session = {0};
    koc_error *err = NULL;
    if (args->count < at_least) {
        client_flags_free(&o->client);
        return cli_usage(c, "koc %s takes %s", c->command->name, what);
    }
    int rc = cli_session_open(c, &o->client, 0, &session, &err);
    rc = rc == KOC_OK ? fn(&session, o, args, &err) : rc;
    int code = rc == KOC_OK ? cli_finish_stdout(c, EXIT_OK) : cli_error(c, err);
    koc_error_free(err);
    cli_session_close(&session);
    client_flags_free(&o->client);
    return code;
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

/* "registry.example", "127.0.0.1:5000", "localhost": no repository in it. */
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

static int list_layout(const cli_session *s, const tag_options *o, const koc_place *p,
                       koc_error **err)
{
    koc_layout *layout = NULL;
    koc_index *idx = NULL;
    char text[KOC_DIGEST_TEXT_MAX];
    int rc = koc_layout_open(s->ctx, p->path, 0, &layout, err);
    rc = rc == KOC_OK ? koc_layout_list(layout, &idx, err) : rc;
    if (rc == KOC_OK && o->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-ls-1");
        cli_json_text("name", p->path);
        cli_json_open("images", '[');
    }
    for (size_t i = 0; rc == KOC_OK && i < koc_index_count(idx); i++) {
        const koc_descriptor *d = koc_index_get(idx, i);
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
    if (rc == KOC_OK && o->json) {
        cli_json_close(']');
        cli_json_close('}');
    }
    koc_index_unref(idx);
    koc_layout_unref(layout);
    return rc;
}

static int list_one(cli_session *s, const tag_options *o, const char *word, koc_error **err)
{
    cli_source place = {0};
    koc_strlist *list = NULL;
    int rc;
    word += strncmp(word, "docker://", 9) == 0 ? 9 : 0;
    if (is_registry(word)) {
        rc = koc_client_list_repositories(s->client, word, &s->op, &list, err);
        if (rc == KOC_OK) {
            print_names(o, word, "repositories", list);
        }
        koc_strlist_free(list);
        return rc;
    }
    rc = cli_source_parse(word, 0, &place, err);
    if (rc == KOC_OK && place.place.kind == KOC_PLACE_LAYOUT) {
        rc = list_layout(s, o, &place.place, err);
    } else if (rc == KOC_OK && place.place.kind != KOC_PLACE_REGISTRY) {
        rc = cli_fail(err, KOC_EUNSUPPORTED,
                      "an archive is not listed: koc inspect shows what is in it");
    } else if (rc == KOC_OK) {
        rc = koc_client_list_tags(s->client, place.place.reference, &s->op, &list, err);
        if (rc == KOC_OK) {
            print_names(o, word, "tags", list);
        }
    }
    koc_strlist_free(list);
    cli_source_free(&place);
    return rc;
}

static int list_all(cli_session *s, const tag_options *o, const cli_list *args, koc_error **err)
{
    int rc = KOC_OK;
    for (size_t i = 0; rc == KOC_OK && i < args->count; i++) {
        rc = list_one(s, o, args->items[i], err);
    }
    return rc;
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
    {"koc ls registry.example", "the repositories of a registry, where it lists them"},
    {"koc ls oci:out", "what an OCI layout holds"},
    {NULL, NULL},
};
const cli_command cli_ls = {
    .name = "ls",
    .group = "Registry",
    .usage = "koc ls [flags] REPOSITORY|REGISTRY|LAYOUT...",
    .summary = "list tags, repositories, or what a layout holds",
    .description = "Lists the tags of a repository, one a line; the repositories of a registry; or "
                   "names and digests in an OCI layout.",
    .examples = ls_examples,
    .complete = CLI_FILES,
    .flags = ls_flags,
    .options_size = sizeof(tag_options),
    .run = run_ls,
};

/* --- tag --- */

static int tag_once(cli_session *s, const koc_reference *from, const char *tag, koc_str bytes,
                    const char *media_type, koc_error **err)
{
    koc_reference *plain = NULL, *to = NULL;
    koc_digest digest;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    int rc = koc_reference_with_digest(from, NULL, &plain, err);
    rc = rc == KOC_OK ? koc_reference_with_tag(plain, tag, &to, err) : rc;
    rc = rc == KOC_OK
             ? koc_client_put_manifest(s->client, to, media_type, bytes, &s->op, &digest, err)
             : rc;
    if (rc == KOC_OK) {
        koc_digest_format(&digest, text, sizeof(text), NULL);
        printf("%s@%s\n", koc_reference_string(to), text);
    }
    koc_reference_unref(plain);
    koc_reference_unref(to);
    return rc;
}

static int tag_all(cli_session *s, const tag_options *o, const cli_list *args, koc_error **err)
{
    koc_reference *from = NULL;
    koc_buf bytes = KOC_BUF_INIT, type = KOC_BUF_INIT;
    (void)o;
    int rc = koc_reference_parse(args->items[0], KOC_REFERENCE_TRANSPORTS, &from, err);
    rc = rc == KOC_OK ? koc_client_get_manifest(s->client, from, &s->op, &bytes, &type, NULL, err)
                      : rc;
    for (size_t i = 1; rc == KOC_OK && i < args->count; i++) {
        rc = tag_once(s, from, args->items[i], (koc_str){bytes.ptr, bytes.len}, type.ptr, err);
    }
    koc_buf_dispose(&bytes);
    koc_buf_dispose(&type);
    koc_reference_unref(from);
    return rc;
}

static int run_tag(cli *c, void *options, const cli_list *args)
{
    return run_with(c, options, args, 2, "a reference and one or more tags", tag_all);
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
    .summary = "give an image in a registry more tags",
    .description = "Writes the manifest of REF, as it is, under each TAG of the same repository. "
                   "Prints the new references.",
    .examples = tag_examples,
    .flags = tag_flags,
    .options_size = sizeof(tag_options),
    .run = run_tag,
};

/* --- rm --- */

/* r with the digest that its tag stands for, and without the tag. */
static int pin(cli_session *s, koc_reference **r, koc_error **err)
{
    koc_buf storage = KOC_BUF_INIT;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_reference *untagged = NULL, *pinned = NULL;
    int rc = koc_client_resolve(s->client, *r, &s->op, &storage, &d, err);
    rc = rc == KOC_OK ? koc_reference_with_tag(*r, NULL, &untagged, err) : rc;
    rc = rc == KOC_OK ? koc_reference_with_digest(untagged, &d.digest, &pinned, err) : rc;
    if (rc == KOC_OK) {
        koc_reference_unref(*r);
        *r = pinned;
    }
    koc_reference_unref(untagged);
    koc_buf_dispose(&storage);
    return rc;
}

static int remove_all(cli_session *s, const tag_options *o, const cli_list *args, koc_error **err)
{
    int rc = KOC_OK;
    for (size_t i = 0; rc == KOC_OK && i < args->count; i++) {
        koc_reference *r = NULL;
        rc = koc_reference_parse(args->items[i], KOC_REFERENCE_TRANSPORTS, &r, err);
        if (rc == KOC_OK && !koc_reference_tag(r) && !koc_reference_digest(r)) {
            rc = cli_fail(err, KOC_EINVAL, "koc rm takes references with a tag or a digest");
        }
        if (rc == KOC_OK && o->manifest && !koc_reference_digest(r)) {
            rc = pin(s, &r, err);
        }
        rc = rc == KOC_OK ? koc_client_delete_manifest(s->client, r, &s->op, err) : rc;
        if (rc == KOC_OK) {
            cli_verb(s->c, "Removed", "%s", koc_reference_string(r));
        }
        koc_reference_unref(r);
    }
    return rc;
}

static int run_rm(cli *c, void *options, const cli_list *args)
{
    return run_with(c, options, args, 1, "one or more references", remove_all);
}

static const cli_flag rm_flags[] = {
    {"manifest", 0, CLI_BOOL, AT(manifest), NULL, "What",
     "of a tag remove the manifest that it names, and so all its tags"},
    CLIENT_FLAG_ROWS(tag_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example rm_examples[] = {
    {"koc rm registry.example/app:old", "one tag, where the registry removes tags"},
    {"koc rm --manifest registry.example/app:old", "the image, with all its tags"},
    {NULL, NULL},
};
const cli_command cli_rm = {
    .name = "rm",
    .group = "Registry",
    .usage = "koc rm [flags] REF...",
    .summary = "remove tags or manifests from a registry",
    .description = "Removes a tag, or with a digest (or --manifest) a manifest and all its tags. "
                   "Many registries do only one of the two, or neither.",
    .examples = rm_examples,
    .flags = rm_flags,
    .options_size = sizeof(tag_options),
    .run = run_rm,
};
