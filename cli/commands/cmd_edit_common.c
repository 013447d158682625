/* Opens an image or index to change it, and writes it. */
#include "commands/cmd_edit_common.h"

#include <stdio.h>
#include <string.h>

int edited_open(cli_session *s, const char *word, const edit_flags *f, edited *out, koc_error **err)
{
    *out = (edited){0};
    CLI_TRY(cli_source_parse(word, 0, &out->place, err));
    CLI_TRY(koc_edit_open(s->ctx, s->client, &out->place.place, NULL, &s->op, &out->edit, err));
    return koc_edit_select(out->edit, cli_list_argv(&f->platforms), err);
}

void edited_close(edited *e)
{
    koc_edit_free(e->edit);
    cli_source_free(&e->place);
    *e = (edited){0};
}

/* "registry.example/app@sha256:…", "oci:DIR@sha256:…" */
static int format_name(const cli_source *at, const koc_digest *digest, char *out, size_t size,
                       koc_error **err)
{
    char text[KOC_DIGEST_TEXT_MAX];
    cli_source plain = *at;
    CLI_TRY(koc_digest_format(digest, text, sizeof(text), err));
    if (at->place.kind == KOC_PLACE_REGISTRY) {
        snprintf(out, size, "%s/%s@%s", koc_reference_registry(at->place.reference),
                 koc_reference_repository(at->place.reference), text);
        return KOC_OK;
    }
    plain.place.name = NULL;
    CLI_AUTO_STR word = cli_source_text(&plain);
    snprintf(out, size, "%s@%s", word ? word : "", text);
    return word ? KOC_OK : cli_fail_memory(err);
}

/* The image goes to a tag, or, where the word has only a digest, to its own digest. */
static int name_result(const koc_reference *at, const koc_digest *digest, koc_reference **out,
                       koc_error **err)
{
    bool untagged = koc_reference_digest(at) && !koc_reference_tag(at);
    return koc_reference_with_digest(at, untagged ? digest : NULL, out, err);
}

static int write_to(cli_session *s, const edited *e, const cli_source *at, koc_error **err)
{
    CLI_AUTO(koc_reference) named = NULL;
    koc_place to = at->place;
    koc_place from = KOC_PLACE_INIT;
    const koc_copy_pair pair = {sizeof(pair), 0, &from, &to};
    if (to.kind == KOC_PLACE_REGISTRY) {
        CLI_TRY(name_result(to.reference, &koc_edit_descriptor(e->edit)->digest, &named, err));
        to.reference = named;
    }
    to.digest = NULL;
    CLI_TRY(koc_edit_place(e->edit, &from, err));
    int rc = koc_copy(s->ctx, s->client, &pair, 1, NULL, cli_session_start(s), NULL, err);
    cli_session_settle(s);
    return rc;
}

int edited_store(cli_session *s, edited *e, const edit_flags *f, koc_error **err)
{
    char name[4096];
    CLI_AUTO_VAL(cli_source) target = {0};
    CLI_AUTO_VAL(koc_buf) report = KOC_BUF_INIT;
    const cli_source *to = &e->place;
    const koc_strlist *warnings = koc_edit_warnings(e->edit);
    if (f->target) {
        CLI_TRY(cli_source_parse(f->target, 0, &target, err));
        target.place.kind =
            target.place.kind == KOC_PLACE_ARCHIVE ? KOC_PLACE_OCI_ARCHIVE : target.place.kind;
        to = &target;
    } else if (to->place.kind != KOC_PLACE_REGISTRY && to->place.kind != KOC_PLACE_LAYOUT) {
        /* Other images in it would be lost. */
        return cli_fail(err, KOC_EUNSUPPORTED,
                        "cannot change an archive in place: write the result elsewhere with -t");
    }
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        cli_warn(s->c, "%s", koc_strlist_get(warnings, i));
    }
    CLI_TRY(write_to(s, e, to, err));
    CLI_TRY(format_name(to, &koc_edit_descriptor(e->edit)->digest, name, sizeof(name), err));
    if (f->json) {
        CLI_TRY(koc_edit_report(e->edit, name, &report, err));
    }
    printf("%s\n", f->json ? report.ptr : name);
    return KOC_OK;
}
