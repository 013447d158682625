#include "core/common.h"

#include "auth/auth_helper.h"

#include "core/clean.h"
#include "core/env.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "text/json.h"
#include "text/json_write.h"

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

/* Quotes the output, unless it looks like a credential. */
static int failure_error(const char *name, const char *server, koc_str output, koc_error **err)
{
    char text[256];
    koc__clean_text(output, text, sizeof(text));
    koc__error(err, KOC_EPROCESS, "the credential helper docker-credential-%s failed%s%s", name,
               text[0] && text[0] != '{' ? ": " : "", text[0] != '{' ? text : "");
    koc__error_hint(err, "to see its output: echo %s | docker-credential-%s get", server, name);
    return KOC_EPROCESS;
}

int koc__helper_reply(const char *name, const char *server, int exit_code, koc_str output,
                      const char *source, koc_credential **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    if (exit_code != 0) {
        return koc__str_is(koc__str_trim(output), NOT_FOUND)
                   ? KOC_OK
                   : failure_error(name, server, output, err);
    }
    /* The parser's own message might quote a secret. */
    if (koc__json_parse(output, OUTPUT_MAX, "reply", &doc, NULL) != KOC_OK) {
        return koc__error(err, KOC_EPROCESS,
                          "the credential helper docker-credential-%s did not print JSON", name);
    }
    const char *user = koc__json_str(koc__json_get_folded(koc__json_root(doc), "Username"));
    const char *secret = koc__json_str(koc__json_get_folded(koc__json_root(doc), "Secret"));
    bool token = user && strcmp(user, "<token>") == 0;
    if (!secret || (!secret[0] && (!user || !user[0]))) {
        return KOC_OK;
    }
    return koc__credential_make(token ? KOC_CRED_IDENTITY_TOKEN : KOC_CRED_BASIC,
                                token ? (koc_str){NULL, 0} : koc__str(user ? user : ""),
                                koc__str(secret), out, err, "%s", source);
}

/* Names the helper that koc runs: one that runs koc in turn would loop forever. */
#define RUNNING "KOC_HELPER"

bool koc__helper_runs(const char *name)
{
    return koc__streq(koc__env_nonempty(RUNNING), name);
}

bool koc__helper_is_missing(const char *name)
{
    KOC__AUTO_STR program = koc__format("docker-credential-%s", name);
    KOC__AUTO_STR path = NULL;
    return program && is_name(name) && koc__proc_find(program, NULL, &path, NULL) == KOC_ENOTFOUND;
}

/* Runs it with input on stdin. Only a failure to run is an error; result has the exit status. */
static int run_helper(const char *name, const char *verb, koc_str input, koc__call *call,
                      koc__proc_result *result, koc_error **err)
{
    if (!is_name(name)) {
        return koc__error(err, KOC_EPROCESS,
                          "the name of the credential helper contains invalid characters");
    }
    KOC__AUTO_STR program = koc__format("docker-credential-%s", name);
    if (!program) {
        return koc__oom(err);
    }
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__TRY(koc__environ_with(RUNNING, name, &env, err));
    const char *argv[] = {program, verb, NULL};
    koc__proc p = {.argv = argv,
                   .env = koc__strlist_argv(env),
                   .input = input,
                   .max_output = OUTPUT_MAX,
                   .timeout_ms = TIMEOUT_MS};
    int rc = koc__proc_run(&p, call, result, err);
    if (rc == KOC_ENOTFOUND) {
        return koc__error(err, KOC_EPROCESS, "the credential helper %s is not installed", program);
    }
    if (rc != KOC_OK && rc != KOC_ECANCELLED) {
        return koc__error_prefix(err, rc, "the credential helper %s", program);
    }
    KOC__TRY(rc);
    if (result->errors.len > 0 && call) {
        /* The text may contain a secret. */
        koc__log(call->ctx, KOC_LOG_DEBUG, "registry", "%s: wrote to stderr (not shown)", program);
    }
    return KOC_OK;
}

int koc__helper_get(const char *name, const char *server, const char *source, koc__call *call,
                    koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__TRY(run_helper(name, "get", koc__str(server), call, &result, err));
    int rc = koc__helper_reply(name, server, result.signal ? -1 : result.exit_code,
                               koc__dynbuf_view(&result.output), source, out, err);
    koc__dynbuf_wipe(&result.output);
    return rc;
}

int koc__helper_put(const char *name, const char *server, const koc_credential *cred,
                    koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO_VAL(koc__dynbuf) input = KOC__DYNBUF_INIT(2 * OUTPUT_MAX);
    koc__jw w;
    if (!cred) {
        KOC__TRY(run_helper(name, "erase", koc__str(server), call, &result, err));
        bool fine = result.exit_code == 0 ||
                    koc__str_is(koc__str_trim(koc__dynbuf_view(&result.output)), NOT_FOUND);
        return fine ? KOC_OK : failure_error(name, server, koc__dynbuf_view(&result.output), err);
    }
    koc__jw_begin(&w, &input, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "ServerURL", server);
    koc__jw_kv(&w, "Username", cred->kind == KOC_CRED_BASIC ? cred->username : "<token>");
    koc__jw_kv(&w, "Secret", cred->secret);
    koc__jw_object_end(&w);
    int rc = koc__jw_end(&w, err);
    if (rc == KOC_OK) {
        rc = run_helper(name, "store", koc__dynbuf_view(&input), call, &result, err);
    }
    koc__dynbuf_wipe(&input);
    KOC__TRY(rc);
    return result.exit_code == 0
               ? KOC_OK
               : failure_error(name, server, koc__dynbuf_view(&result.output), err);
}
