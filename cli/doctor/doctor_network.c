/* koc doctor: proxies, credentials, the destination's registry, base images. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <koc/auth.h>
#include <koc/reference.h>

#define REQUEST_MS 15000

static koc_op request(const doctor *d)
{
    koc_op op = KOC_OP_INIT;
    op.cancel = d->c->cancel;
    op.timeout_ms = REQUEST_MS;
    return op;
}

/* --- proxies --- */

/* The URL without user name and password. */
static void without_secret(const char *url, char *out, size_t size)
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

static void look_at_proxies(doctor *d)
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
        without_secret(value, shown, sizeof(shown));
        const char *name = value == lower ? pairs[i][0] : pairs[i][1];
        if (lower && *lower && upper && *upper && strcmp(lower, upper) != 0) {
            doctor_add(d, "proxy", FINDING_WARNING, "set both to the same",
                       "%s and %s differ; the first is used: %s", pairs[i][0], pairs[i][1], shown);
        } else {
            doctor_add(d, "proxy", FINDING_OK, NULL, "%s=%s", name, shown);
        }
    }
    if (!any) {
        doctor_add(d, "proxy", FINDING_OK, NULL, "none is set");
    }
}

/* --- registries --- */

/* Who we are there; never the secret. */
static void look_at_credentials(doctor *d, const char *registry)
{
    koc_op op = request(d);
    koc_credential *cred = NULL;
    koc_error *err = NULL;
    if (koc_auth_lookup(d->session.auth, registry, NULL, &op, &cred, &err) != KOC_OK) {
        doctor_add_error(d, "credentials", FINDING_BROKEN, err);
        koc_error_free(err);
        return;
    }
    if (!cred) {
        doctor_add(d, "credentials", FINDING_OK, NULL, "%s: none, so koc is anonymous there",
                   registry);
        return;
    }
    const char *user = koc_credential_username(cred);
    const char *source = koc_credential_source(cred);
    bool token = koc_credential_kind(cred) != KOC_CRED_BASIC || !user || !*user;
    doctor_add(d, "credentials", FINDING_OK, NULL, "%s: %s%s, from %s", registry,
               token ? "a token" : "user ", token ? "" : user, source ? source : "the environment");
    koc_credential_free(cred);
}

static void look_at_registry(doctor *d, const char *registry)
{
    koc_op op = request(d);
    koc_error *err = NULL;
    bool asked = false;
    int rc = koc_client_check_login(d->session.client, registry, &op, &asked, &err);
    if (rc == KOC_OK) {
        doctor_add(d, "registry", FINDING_OK, NULL, "%s answers%s", registry,
                   asked ? " and takes the credentials" : " and asks for no login");
    } else if (rc == KOC_EAUTH) {
        char hint[300];
        snprintf(hint, sizeof(hint), "koc login %s", registry);
        doctor_add(d, "registry", FINDING_BROKEN, hint, "%s", koc_error_message(err));
    } else {
        doctor_add_error(d, "registry", FINDING_BROKEN, err);
    }
    koc_error_free(err);
}

/* Destinations that are no registry: the engine of this machine, nodes of a cluster. */
static bool is_local(const char *repository)
{
    static const char *const names[] = {"ko.local", "kind.local", "k3d.local", "minikube.local",
                                        "containerd.local"};
    size_t len = strcspn(repository, "/");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && strncmp(names[i], repository, len) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_destination(doctor *d)
{
    koc_reference *r = NULL;
    koc_error *err = NULL;
    if (!d->repository) {
        if (d->layout) {
            doctor_add(d, "destination", FINDING_NOTE,
                       "to push: KO_DOCKER_REPO=registry.example/team",
                       "KO_DOCKER_REPO is not set: koc build writes to %s", d->layout);
        }
        return;
    }
    if (koc_reference_parse(d->repository, KOC_REFERENCE_TRANSPORTS, &r, &err) != KOC_OK) {
        /* A registry alone is fine too. */
        koc_error_free(err);
        koc_buf registry = KOC_BUF_INIT;
        err = NULL;
        if (koc_auth_registry(d->repository, &registry, &err) != KOC_OK) {
            doctor_add_error(d, "destination", FINDING_BROKEN, err);
        } else {
            look_at_credentials(d, registry.ptr);
            look_at_registry(d, registry.ptr);
        }
        koc_error_free(err);
        koc_buf_dispose(&registry);
        return;
    }
    doctor_add(d, "destination", FINDING_OK, NULL, "%s", d->repository);
    if (!is_local(d->repository)) {
        look_at_credentials(d, koc_reference_registry(r));
        look_at_registry(d, koc_reference_registry(r));
    }
    koc_reference_unref(r);
}

/* --- bases --- */

static void look_at_file(doctor *d, const char *name)
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

static void look_at_base(doctor *d, const char *name)
{
    koc_op op = request(d);
    koc_reference *r = NULL;
    koc_error *err = NULL;
    koc_buf storage = KOC_BUF_INIT;
    koc_descriptor found = KOC_DESCRIPTOR_INIT;
    if (strcmp(name, "scratch") == 0) {
        doctor_add(d, "base", FINDING_OK, NULL, "scratch: nothing is fetched");
        return;
    }
    if (strncmp(name, "oci:", 4) == 0 || strncmp(name, "docker-archive:", 15) == 0) {
        look_at_file(d, name);
        return;
    }
    int rc = koc_reference_parse(name, KOC_REFERENCE_TRANSPORTS, &r, &err);
    if (rc == KOC_OK && is_local(name)) {
        doctor_add(d, "base", FINDING_OK, NULL, "%s: of the container engine", name);
    } else if (rc == KOC_OK) {
        rc = koc_client_resolve(d->session.client, r, &op, &storage, &found, &err);
        if (rc == KOC_OK) {
            char text[160];
            rc = koc_digest_format(&found.digest, text, sizeof(text), &err);
            doctor_add(d, "base", FINDING_OK, NULL, "%s is %.19s…", name, rc == KOC_OK ? text : "");
        }
    }
    if (rc != KOC_OK) {
        char hint[1024] = "";
        bool known = cli_error_hint(err, hint, sizeof(hint)) != NULL;
        size_t len = strlen(hint);
        if (!known || koc_error_hint_kind(err) == KOC_HINT_LIST_TAGS) {
            snprintf(hint + len, sizeof(hint) - len, "%s--base-image=scratch builds without a base",
                     known ? "; " : "");
        }
        doctor_add(d, "base", FINDING_BROKEN, hint, "%s", koc_error_message(err));
    }
    koc_error_free(err);
    koc_reference_unref(r);
    koc_buf_dispose(&storage);
}

void doctor_look_at_network(doctor *d)
{
    look_at_proxies(d);
    look_at_destination(d);
    for (size_t i = 0; i < d->bases.count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || strcmp(d->bases.items[k], d->bases.items[i]) == 0;
        }
        if (!again) {
            look_at_base(d, d->bases.items[i]);
        }
    }
}
