/* koc doctor: proxies, credentials, the destination's registry, base images. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MS 15000

static koc_op request_op(const doctor *d)
{
    koc_op op = KOC_OP_INIT;
    op.cancel = d->c->cancel;
    op.timeout_ms = REQUEST_MS;
    return op;
}

/* --- proxies --- */

/* Copies the URL with *** in the place of user name and password. */
static void hide_secret(const char *url, char *out, size_t size)
{
    const char *scheme = strstr(url, "://");
    const char *start = scheme ? scheme + 3 : url;
    const char *end = start + strcspn(start, "/");
    const char *at = NULL;
    for (const char *s = start; s < end; s++) {
        at = *s == '@' ? s : at;
    }
    if (at) {
        snprintf(out, size, "%.*s***%s", (int)(start - url), url, at);
    } else {
        snprintf(out, size, "%s", url);
    }
}

static void check_proxies(doctor *d)
{
    static const char *const pairs[][2] = {
        {"http_proxy", NULL}, /* HTTP_PROXY is a header's name in CGI */
        {"https_proxy", "HTTPS_PROXY"},
        {"all_proxy", "ALL_PROXY"},
        {"no_proxy", "NO_PROXY"}};
    bool any = false;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *lower = getenv(pairs[i][0]);
        const char *upper = pairs[i][1] ? getenv(pairs[i][1]) : NULL;
        const char *value = lower && *lower ? lower : upper;
        char shown[400];
        if (!value || !*value) {
            continue;
        }
        any = true;
        hide_secret(value, shown, sizeof(shown));
        const char *name = value == lower ? pairs[i][0] : pairs[i][1];
        if (lower && *lower && upper && *upper && strcmp(lower, upper) != 0) {
            doctor_add(d, "proxy", FINDING_WARNING, "set both to the same value",
                       "%s and %s differ; koc uses the first: %s", pairs[i][0], pairs[i][1], shown);
        } else {
            doctor_add(d, "proxy", FINDING_OK, NULL, "%s=%s", name, shown);
        }
    }
    if (!any) {
        doctor_add(d, "proxy", FINDING_OK, NULL, "none is set");
    }
}

/* --- registries --- */

/* Reports the user name, never the secret. */
static void check_credentials(doctor *d, const char *registry)
{
    koc_op op = request_op(d);
    CLI_AUTO(koc_credential) cred = NULL;
    CLI_AUTO(koc_error) err = NULL;
    if (koc_auth_lookup(d->session.auth, registry, NULL, &op, &cred, &err) != KOC_OK) {
        doctor_add_error(d, "credentials", FINDING_BROKEN, err);
        return;
    }
    if (!cred) {
        doctor_add(d, "credentials", FINDING_OK, NULL, "%s: none; koc is anonymous there",
                   registry);
        return;
    }
    const char *user = koc_credential_username(cred);
    const char *source = koc_credential_source(cred);
    bool token = koc_credential_kind(cred) != KOC_CRED_BASIC || !user || !*user;
    doctor_add(d, "credentials", FINDING_OK, NULL, "%s: %s%s, from %s", registry,
               token ? "a token" : "user ", token ? "" : user, source ? source : "the environment");
}

static void check_registry(doctor *d, const char *registry)
{
    koc_op op = request_op(d);
    CLI_AUTO(koc_error) err = NULL;
    bool asked = false;
    int rc = koc_client_check_login(d->session.client, registry, &op, &asked, &err);
    if (rc == KOC_OK) {
        doctor_add(d, "registry", FINDING_OK, NULL, "%s answers%s", registry,
                   asked ? " and accepts the credentials" : " and requires no login");
    } else if (rc == KOC_EAUTH) {
        char hint[300];
        snprintf(hint, sizeof(hint), "koc login %s", registry);
        doctor_add(d, "registry", FINDING_BROKEN, hint, "%s", koc_error_message(err));
    } else {
        doctor_add_error(d, "registry", FINDING_BROKEN, err);
    }
}

static void check_destination(doctor *d)
{
    CLI_AUTO(koc_reference) r = NULL;
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO_VAL(koc_buf) registry = KOC_BUF_INIT;
    if (!d->repository) {
        if (d->layout) {
            doctor_add(d, "destination", FINDING_NOTE,
                       "to push: KO_DOCKER_REPO=registry.example/team",
                       "KO_DOCKER_REPO is not set: koc build writes to %s", d->layout);
        }
        return;
    }
    if (koc_reference_parse(d->repository, KOC_REFERENCE_TRANSPORTS, &r, NULL) == KOC_OK) {
        doctor_add(d, "destination", FINDING_OK, NULL, "%s", d->repository);
        if (!is_local_repository(d->repository)) {
            check_credentials(d, koc_reference_registry(r));
            check_registry(d, koc_reference_registry(r));
        }
    } else if (koc_auth_registry(d->repository, &registry, &err) == KOC_OK) {
        check_credentials(d, registry.ptr); /* a registry without a repository is also valid */
        check_registry(d, registry.ptr);
    } else {
        doctor_add_error(d, "destination", FINDING_BROKEN, err);
    }
}

/* --- bases --- */

static void check_file(doctor *d, const char *name)
{
    char path[1024];
    const char *start = strchr(name, ':') + 1;
    snprintf(path, sizeof(path), "%s", start);
    path[strcspn(path, "@")] = '\0';
    bool there = access(path, R_OK) == 0;
    char *colon = strrchr(path, ':');
    if (!there && colon) {
        *colon = '\0';
        there = access(path, R_OK) == 0;
    }
    doctor_add(d, "base", there ? FINDING_OK : FINDING_BROKEN, NULL, "%s%s", name,
               there ? "" : " cannot be read");
}

static void add_broken_base(doctor *d, const koc_error *err)
{
    char hint[1024] = "";
    bool known = cli_error_hint(err, hint, sizeof(hint)) != NULL;
    size_t len = strlen(hint);
    if (!known || koc_error_hint_kind(err) == KOC_HINT_LIST_TAGS) {
        snprintf(hint + len, sizeof(hint) - len, "%s--base-image=scratch builds without a base",
                 known ? "; " : "");
    }
    doctor_add(d, "base", FINDING_BROKEN, hint, "%s", koc_error_message(err));
}

static void check_base(doctor *d, const char *name)
{
    koc_op op = request_op(d);
    CLI_AUTO(koc_reference) r = NULL;
    CLI_AUTO(koc_error) err = NULL;
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_descriptor found = KOC_DESCRIPTOR_INIT;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    if (strcmp(name, "scratch") == 0) {
        doctor_add(d, "base", FINDING_OK, NULL, "scratch: nothing is fetched");
    } else if (strncmp(name, "oci:", 4) == 0 || strncmp(name, "docker-archive:", 15) == 0) {
        check_file(d, name);
    } else if (koc_reference_parse(name, KOC_REFERENCE_TRANSPORTS, &r, &err) != KOC_OK) {
        add_broken_base(d, err);
    } else if (is_local_repository(name)) {
        doctor_add(d, "base", FINDING_OK, NULL, "%s: in the container engine", name);
    } else if (koc_client_resolve(d->session.client, r, &op, &storage, &found, &err) != KOC_OK) {
        add_broken_base(d, err);
    } else {
        (void)koc_digest_format(&found.digest, text, sizeof(text), NULL);
        doctor_add(d, "base", FINDING_OK, NULL, "%s is %.19s…", name, text);
    }
}

void doctor_check_network(doctor *d)
{
    check_proxies(d);
    check_destination(d);
    for (size_t i = 0; i < d->bases.count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || strcmp(d->bases.items[k], d->bases.items[i]) == 0;
        }
        if (!again) {
            check_base(d, d->bases.items[i]);
        }
    }
}
