#include "core/common.h"

#include "registry/auth_helper.h"

#include "core/json.h"
#include "core/proc.h"
#include "core/str.h"
#include "registry/regerror.h"

#define OUTPUT_MAX ((size_t)64 << 10)
#define TIMEOUT_MS 30000
#define NOT_FOUND  "credentials not found in native keychain"

static bool is_name(const char *name)
{
    for (const char *p = name; *p; p++) {
        bool letter =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!letter && *p != '.' && *p != '_' && *p != '-') {
            return false;
        }
    }
    return name[0] != '\0';
}

static int failed(const char *name, koc_str output, koc_error **err)
{
    char text[256];

    koc__clean_text(output, text, sizeof(text));
    return koc__error(err, KOC_EPROCESS, "the credential helper docker-credential-%s failed: %s",
                      name, text[0] ? text : "it said nothing");
}

int koc__helper_reply(const char *name, int exit_code, koc_str output, const char *source,
                      koc_credential **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;

    if (exit_code != 0) {
        return koc__str_is(koc__str_trim(output), NOT_FOUND) ? KOC_OK : failed(name, output, err);
    }
    /* The parser's own words could quote a secret; so they are not shown. */
    if (koc__json_parse(output, OUTPUT_MAX, "reply", &doc, NULL) != KOC_OK) {
        return koc__error(err, KOC_EPROCESS,
                          "the credential helper docker-credential-%s did not print JSON", name);
    }
    const char *user = koc__json_get_str(koc__json_root(doc), "Username");
    const char *secret = koc__json_get_str(koc__json_root(doc), "Secret");
    bool token = user && strcmp(user, "<token>") == 0;
    if (!secret || (!secret[0] && (!user || !user[0]))) {
        return KOC_OK;
    }
    return koc__credential_make(token ? KOC_CRED_IDENTITY_TOKEN : KOC_CRED_BASIC,
                                token ? (koc_str){NULL, 0} : koc__str(user ? user : ""),
                                koc__str(secret), out, err, "%s", source);
}

int koc__helper_get(const char *name, const char *server, const char *source, koc__op *op,
                    koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;

    if (!is_name(name)) {
        return koc__error(err, KOC_EPROCESS,
                          "the name of a credential helper has characters that it may not have");
    }
    KOC__AUTO_STR program = koc__format("docker-credential-%s", name);
    if (!program) {
        return koc__oom(err);
    }
    const char *argv[] = {program, "get", NULL};
    koc__proc p = {.argv = argv,
                   .input = koc__str(server),
                   .max_output = OUTPUT_MAX,
                   .timeout_ms = TIMEOUT_MS};
    int rc = koc__proc_run(&p, op, &result, err);
    if (rc == KOC_ENOTFOUND) {
        return koc__error(err, KOC_EPROCESS, "the credential helper %s is not installed", program);
    }
    if (rc == KOC_ECANCELLED || rc == KOC_OK) {
        KOC__TRY(rc);
    } else {
        return koc__error_prefix(err, "the credential helper %s", program);
    }
    if (result.errors.len > 0 && op && koc__log_wants(op->ctx, KOC_LOG_DEBUG)) {
        char text[256];
        koc__clean_text(koc__buf_view(&result.errors), text, sizeof(text));
        koc__log(op->ctx, KOC_LOG_DEBUG, "registry", "%s: %s", program, text);
    }
    rc = koc__helper_reply(name, result.signal ? -1 : result.exit_code,
                           koc__buf_view(&result.output), source, out, err);
    koc__buf_wipe(&result.output);
    return rc;
}
