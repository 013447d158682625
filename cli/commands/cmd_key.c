/* koc key generate, public, import. */
#include "commands/commands.h"
#include "commands/key_files.h"

#include <stdio.h>
#include <string.h>

static int write_key(const cli *c, const koc_key *k, const char *prefix, koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) password = KOC_BUF_INIT;
    int rc = key_new_password(c, &password, err);
    rc = rc == KOC_OK ? key_write_files(k, password.ptr ? password.ptr : "", prefix, err) : rc;
    bool empty = password.len == 0;
    koc_buf_wipe(&password);
    CLI_TRY(rc);
    if (empty) {
        cli_warn(c, "the password is empty: a user who can read %s.key can sign", prefix);
    }
    cli_verb(c, "Wrote", "%s.key and %s.pub", prefix, prefix);
    return KOC_OK;
}

static int generate(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    CLI_AUTO(koc_key) k = NULL;
    (void)options;
    CLI_TRY(koc_key_generate(&k, err));
    return write_key(s->c, k, args->items[1], err);
}

static int print_public(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    CLI_AUTO(koc_key) k = NULL;
    CLI_AUTO_VAL(koc_buf) pem = KOC_BUF_INIT;
    (void)options;
    CLI_TRY(key_open(s, args->items[1], &k, err));
    CLI_TRY(koc_key_public_pem(k, &pem, err));
    fwrite(pem.ptr, 1, pem.len, stdout);
    return KOC_OK;
}

static int import(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    CLI_AUTO(koc_key) k = NULL;
    (void)options;
    CLI_TRY(key_open(s, args->items[1], &k, err));
    if (!koc_key_can_sign(k)) {
        return cli_fail(err, KOC_EINVAL, "%s is a public key: there is nothing to import",
                        args->items[1]);
    }
    return write_key(s->c, k, args->items[2], err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    static const struct {
        const char *word, *takes;
        size_t words;
        cli_session_fn fn;
    } verbs[] = {
        {"generate", "PREFIX", 2, generate},
        {"public", "FILE", 2, print_public},
        {"import", "FILE PREFIX", 3, import},
    };
    const char *word = args->count > 0 ? args->items[0] : "";
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(word, verbs[i].word) == 0) {
            return args->count == verbs[i].words
                       ? cli_session_run(c, NULL, verbs[i].fn, options, args)
                       : cli_usage(c, "koc key %s takes %s", word, verbs[i].takes);
        }
    }
    return cli_usage(c, "koc key needs one of generate, public, import");
}

static const cli_example examples[] = {
    {"koc key generate release", "writes release.key and release.pub"},
    {"koc key public release.key", "prints the public key"},
    {"koc key import openssl.pem release", "encrypts a key that openssl made"},
    {NULL, NULL},
};
const cli_command cli_key = {
    .name = "key",
    .group = "Signatures",
    .usage = "koc key generate PREFIX | koc key public FILE | koc key import FILE PREFIX",
    .summary = "make and convert keys for signatures",
    .description =
        "Makes a key for ECDSA on the curve P-256: PREFIX.key, encrypted with a password, and "
        "PREFIX.pub. No file is overwritten.",
    .more =
        "Password\n"
        "  koc takes it from KOC_KEY_PASSWORD, else from COSIGN_PASSWORD, else asks for it on the "
        "terminal.\n"
        "\n"
        "Formats\n"
        "  PREFIX.key has cosign's format (scrypt and NaCl's secretbox around PKCS #8), so cosign "
        "and koc read each other's keys. import also reads unencrypted keys in PKCS #8 and SEC 1, "
        "as openssl writes them.\n",
    .examples = examples,
    .complete = "generate public import",
    .options_size = sizeof(int),
    .run = run,
};
