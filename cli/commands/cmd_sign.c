/* koc sign and attest. */
#include "args/place_words.h"
#include "commands/commands.h"
#include "commands/key_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREDICATE_MAX ((size_t)16 << 20)

typedef struct sign_options {
    client_flags client;
    const char *key, *compat, *predicate, *type;
    bool recursive;
} sign_options;

#define AT(member) offsetof(sign_options, member)

/* What is done to one image. */
typedef struct signing {
    const cli *c;
    koc_digest last; /* of the subject that was signed last: what the word names */
} signing;

static int on_signature(const koc_signature *s, void *payload)
{
    signing *x = payload;
    char subject[KOC_DIGEST_TEXT_MAX] = "";
    koc_digest_format(s->subject, subject, sizeof(subject), NULL);
    cli_verb(x->c, s->state == KOC_SIGNATURE_ADDED ? "Signed" : "Unchanged", "%s%s%s (%s)",
             s->platform ? s->platform : "", s->platform ? " " : "", subject, s->predicate_type);
    x->last = *s->subject;
    return 0;
}

static int sign_one(cli_session *s, const koc_sign_options *o, const char *word, koc_error **err)
{
    CLI_AUTO_VAL(cli_source) place = {0};
    signing x = {s->c, {0}};
    char text[KOC_DIGEST_TEXT_MAX] = "";
    CLI_TRY(cli_source_parse(word, 0, &place, err));
    CLI_TRY(koc_sign(s->ctx, s->client, &place.place, o, on_signature, &x, &s->op, err));
    koc_digest_format(&x.last, text, sizeof(text), NULL);
    char *name = cli_source_text(&place);
    if (!name) {
        return cli_fail_memory(err);
    }
    printf("%s@%s\n", name, text);
    free(name);
    return KOC_OK;
}

static int sign_all(cli_session *s, const sign_options *f, koc_sign_options *o,
                    const cli_list *args, koc_error **err)
{
    CLI_AUTO(koc_key) key = NULL;
    if (f->compat && strcmp(f->compat, "cosign2") != 0) {
        return cli_reject(err, "compat", "\"%s\" is not cosign2", f->compat);
    }
    CLI_TRY(key_open(s, f->key, &key, err));
    o->key = key;
    o->flags = (f->recursive ? KOC_SIGN_RECURSIVE : 0) | (f->compat ? KOC_SIGN_COSIGN2 : 0);
    for (size_t i = 0; i < args->count; i++) {
        CLI_TRY(sign_one(s, o, args->items[i], err));
    }
    return KOC_OK;
}

static int sign(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    koc_sign_options o = KOC_SIGN_OPTIONS_INIT;
    return sign_all(s, options, &o, args, err);
}

static int attest(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const sign_options *f = options;
    koc_sign_options o = KOC_SIGN_OPTIONS_INIT;
    CLI_AUTO(koc_blob) blob = NULL;
    CLI_AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    CLI_TRY(koc_blob_from_stream(f->predicate, &s->op, &blob, err));
    CLI_TRY(koc_blob_read_all(blob, PREDICATE_MAX, &s->op, &bytes, err));
    o.predicate_type = f->type;
    o.predicate = (koc_str){bytes.ptr, bytes.len};
    return sign_all(s, options, &o, args, err);
}

static int run(cli *c, const sign_options *o, const cli_list *args, cli_session_fn fn)
{
    if (args->count == 0) {
        return cli_usage(c, "koc %s takes the name of an image", c->command->name);
    }
    return o->key ? cli_session_run(c, &o->client, fn, o, args)
                  : cli_usage(c, "koc %s needs --key FILE", c->command->name);
}

static int run_sign(cli *c, void *options, const cli_list *args)
{
    return run(c, options, args, sign);
}

static int run_attest(cli *c, void *options, const cli_list *args)
{
    const sign_options *o = options;
    if (!o->predicate || !o->type) {
        return cli_usage(c, "koc attest needs --predicate FILE and --type TYPE");
    }
    return run(c, options, args, attest);
}

/* clang-format off */
#define SIGN_ROWS \
    {"key", 0, CLI_STRING, AT(key), "FILE", "Signature", "sign with this private key: a file, or NAME://... for sigstore-kms-NAME"}, \
    {"recursive", 'r', CLI_BOOL, AT(recursive), NULL, "Signature", "of an index, sign each of its images too"}, \
    {"compat", 0, CLI_STRING, AT(compat), "TOOL", "Signature", \
     "cosign2: also write the tags .sig and .att that cosign 2 reads", "cosign2"}
/* clang-format on */

static const char places[] = "Places\n"
                             "  example.com/app:1               in a registry\n"
                             "  oci:DIR[:NAME][@DIGEST]         in an OCI layout\n";

static const cli_flag sign_flags[] = {
    SIGN_ROWS,
    CLIENT_FLAG_ROWS(sign_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example sign_examples[] = {
    {"koc sign --key release.key registry.example/app@sha256:...", "the image that was tested"},
    {"koc sign --key release.key -r registry.example/app:1", "an index and each of its images"},
    {NULL, NULL},
};
const cli_command cli_sign = {
    .name = "sign",
    .group = "Signatures",
    .usage = "koc sign [flags] --key FILE REF...",
    .summary = "sign images",
    .description =
        "Signs an image or index and attaches the signature to it as a referrer, in the format of "
        "cosign 3. Prints the signed reference. Signing again with the same key changes nothing.",
    .more = places,
    .examples = sign_examples,
    .flags = sign_flags,
    .options_size = sizeof(sign_options),
    .run = run_sign,
};

static const cli_flag attest_flags[] = {
    {"predicate", 0, CLI_STRING, AT(predicate), "FILE", "Statement",
     "what is stated, a JSON document; - is stdin"},
    {"type", 0, CLI_STRING, AT(type), "TYPE", "Statement",
     "its type: provenance, spdx, cyclonedx, openvex, vuln, custom, or a URI",
     "provenance spdx cyclonedx openvex vuln custom"},
    SIGN_ROWS,
    CLIENT_FLAG_ROWS(sign_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example attest_examples[] = {
    {"koc attest --key release.key --type=spdx --predicate app.spdx.json registry.example/app:1",
     "a bill of materials"},
    {"koc attest --key ci.key --type=https://example.com/tested/v1 --predicate - "
     "registry.example/app:1",
     "a statement of your own"},
    {NULL, NULL},
};
const cli_command cli_attest = {
    .name = "attest",
    .group = "Signatures",
    .usage = "koc attest [flags] --key FILE --type TYPE --predicate FILE REF...",
    .summary = "sign a statement about images",
    .description =
        "Signs a statement (in-toto) about an image or index and attaches it as a referrer, in the "
        "format of cosign 3. Prints the reference of the image.",
    .more = places,
    .examples = attest_examples,
    .flags = attest_flags,
    .options_size = sizeof(sign_options),
    .run = run_attest,
};
