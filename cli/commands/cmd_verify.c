/* koc verify. */
#include "args/place_words.h"
#include "commands/commands.h"
#include "commands/key_files.h"
#include "term/json_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct verify_options {
    client_flags client;
    cli_list keys, require;
    const char *source, *revision, *builder, *base, *max_age;
    bool any, recursive, json;
} verify_options;

#define AT(member) offsetof(verify_options, member)

/* --- options --- */

/* "90m", "72h", "30d": seconds. */
static int read_age(const char *text, int64_t *out, koc_error **err)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits < 9 && text[digits] && !text[digits + 1]) {
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            if (text[digits] == units[i].unit) {
                *out = strtoll(text, NULL, 10) * units[i].seconds;
                return KOC_OK;
            }
        }
    }
    return cli_reject(err, "max_age", "\"%s\" is not an age such as 90m, 72h or 30d", text);
}

typedef struct key_list {
    koc_key **list;
    size_t count;
} key_list;

static void key_list_free(key_list *k)
{
    for (size_t i = 0; i < k->count; i++) {
        koc_key_unref(k->list[i]);
    }
    free(k->list);
}
CLI_DEFINE_AUTO_VAL(key_list, key_list_free);

static int open_keys(const cli_session *s, const cli_list *names, key_list *out, koc_error **err)
{
    out->list = calloc(names->count, sizeof(*out->list));
    if (!out->list) {
        return cli_fail_memory(err);
    }
    for (size_t i = 0; i < names->count; i++) {
        CLI_TRY(key_open(s, names->items[i], &out->list[i], err));
        out->count++;
    }
    return KOC_OK;
}

/* --- results --- */

typedef struct results {
    const cli *c;
    bool json;
    size_t signatures;
} results;

static void print_json(const koc_signature *s)
{
    cli_json_open(NULL, '{');
    cli_json_bool("valid", s->state == KOC_SIGNATURE_VALID);
    cli_json_digest("subject", s->subject);
    cli_json_text("platform", s->platform);
    cli_json_digest("digest", s->digest);
    cli_json_text("predicateType", s->predicate_type);
    cli_json_text("key", s->key);
    cli_json_text("reason", s->reason);
    cli_json_close('}');
}

static int on_signature(const koc_signature *s, void *payload)
{
    results *r = payload;
    char subject[KOC_DIGEST_TEXT_MAX] = "";
    r->signatures++;
    if (r->json) {
        print_json(s);
        return 0;
    }
    koc_digest_format(s->subject, subject, sizeof(subject), NULL);
    cli_verb(r->c, s->state == KOC_SIGNATURE_VALID ? "Verified" : "Rejected", "%s%s%s (%s)%s%s",
             s->platform ? s->platform : "", s->platform ? " " : "", subject,
             s->predicate_type ? s->predicate_type : "?", s->reason ? ": " : "",
             s->reason ? s->reason : "");
    return 0;
}

static const char *status_of(int rc, size_t signatures)
{
    if (rc == KOC_OK) {
        return "verified";
    }
    if (rc != KOC_EVERIFY) {
        return "error";
    }
    return signatures > 0 ? "rejected" : "unsigned";
}

static int verify_one(cli_session *s, const verify_options *f, const koc_verify_options *o,
                      const char *word, koc_error **err)
{
    CLI_AUTO_VAL(cli_source) place = {0};
    results r = {s->c, f->json, 0};
    koc_digest digest = {0};
    char text[KOC_DIGEST_TEXT_MAX] = "";
    CLI_TRY(cli_source_parse(word, 0, &place, err));
    if (f->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-verify-1");
        cli_json_text("name", word);
        cli_json_open("signatures", '[');
    }
    int rc = koc_verify(s->ctx, s->client, &place.place, o, on_signature, &r, &s->op, &digest, err);
    if (f->json) {
        cli_json_close(']');
        cli_json_text("status", status_of(rc, r.signatures));
        if (rc == KOC_OK) {
            cli_json_digest("digest", &digest);
        }
        cli_json_text("reason", rc != KOC_OK && err && *err ? koc_error_message(*err) : NULL);
        cli_json_close('}');
        return rc;
    }
    char *name = rc == KOC_OK ? cli_source_text(&place) : NULL;
    if (name) {
        koc_digest_format(&digest, text, sizeof(text), NULL);
        printf("%s@%s\n", name, text);
        free(name);
    }
    return rc == KOC_OK && !name ? cli_fail_memory(err) : rc;
}

static int verify_all(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const verify_options *f = options;
    CLI_AUTO_VAL(key_list) keys = {0};
    koc_verify_options o = KOC_VERIFY_OPTIONS_INIT;
    CLI_TRY(f->max_age ? read_age(f->max_age, &o.max_age_s, err) : KOC_OK);
    CLI_TRY(open_keys(s, &f->keys, &keys, err));
    o.flags = (f->any ? KOC_VERIFY_ANY_ATTESTATION : 0) | (f->recursive ? KOC_VERIFY_RECURSIVE : 0);
    o.keys = keys.list;
    o.n_keys = keys.count;
    o.require = cli_list_argv(&f->require);
    o.source = f->source;
    o.revision = f->revision;
    o.builder = f->builder;
    o.base = f->base;
    for (size_t i = 0; i < args->count; i++) {
        CLI_TRY(verify_one(s, f, &o, args->items[i], err));
    }
    return KOC_OK;
}

static int run(cli *c, void *options, const cli_list *args)
{
    const verify_options *o = options;
    if (args->count == 0) {
        return cli_usage(c, "koc verify takes the name of an image");
    }
    return o->keys.count > 0 ? cli_session_run(c, &o->client, verify_all, o, args)
                             : cli_usage(c, "koc verify needs --key FILE");
}

static const cli_flag flags[] = {
    {"key", 0, CLI_LIST, AT(keys), "FILE", "Signature",
     "trust this public key (may be repeated: one of them must have signed)"},
    {"recursive", 'r', CLI_BOOL, AT(recursive), NULL, "Signature",
     "of an index, each of its images must be signed too"},
    {"any-attestation", 0, CLI_BOOL, AT(any), NULL, "Signature",
     "accept a signed statement of any type in place of a signature, as cosign does"},
    {"require", 0, CLI_CSV, AT(require), "TYPE", "Demands",
     "each platform must have a signed statement of this type: sbom, provenance, spdx, cyclonedx, "
     "openvex, vuln, custom, or a URI (a list)",
     "sbom provenance spdx cyclonedx openvex vuln custom"},
    {"source", 0, CLI_STRING, AT(source), "URL", "Demands",
     "its provenance must name this source repository"},
    {"revision", 0, CLI_STRING, AT(revision), "COMMIT", "Demands",
     "its provenance must name this commit of the source"},
    {"builder", 0, CLI_STRING, AT(builder), "ID", "Demands",
     "its provenance must name this builder"},
    {"max-age", 0, CLI_STRING, AT(max_age), "AGE", "Demands",
     "its provenance must say that it was built at most 90m, 72h or 30d ago"},
    {"base", 0, CLI_STRING, AT(base), "REF", "Demands",
     "each platform must be based on this image (REPOSITORY[:TAG][@DIGEST])"},
    {"json", 0, CLI_BOOL, AT(json), NULL, "Results", "print every signature as JSON"},
    CLIENT_FLAG_ROWS(verify_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example examples[] = {
    {"koc verify --key release.pub registry.example/app:1",
     "prints the digest that was verified; deploy that"},
    {"koc verify --key release.pub --require=sbom,provenance "
     "--source=https://github.com/acme/app registry.example/app:1",
     "with a bill of materials, and built from this repository"},
    {NULL, NULL},
};
const cli_command cli_verify = {
    .name = "verify",
    .group = "Signatures",
    .usage = "koc verify [flags] --key FILE REF...",
    .summary = "verify signatures of images and what they state",
    .description =
        "Verifies that a key signed an image or index, and what its signed statements say about it. "
        "Prints the reference with the digest that was verified, or fails with exit code 1.",
    .more =
        "Signatures\n"
        "  koc reads sigstore bundles among the referrers, and the tags .sig and .att of cosign 2. "
        "Signatures that count for nothing do not harm those that count. Keyless signatures (with "
        "a certificate instead of a key) are rejected.\n"
        "\n"
        "Demands\n"
        "  A demand must hold for each platform of an index, by a statement about that platform or "
        "about the whole index. One provenance must satisfy all demands on provenance.\n"
        "\n"
        "Places\n"
        "  example.com/app:1               in a registry\n"
        "  oci:DIR[:NAME][@DIGEST]         in an OCI layout\n"
        "  oci-archive:FILE[:NAME]         in a tar file of an OCI layout\n",
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(verify_options),
    .run = run,
};
