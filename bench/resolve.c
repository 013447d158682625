/*
 * The resolver alone, beside a bare pass of libyaml over the same bytes in the same run.
 *
 *     bench_resolve [MEGABYTES]     prints MB/s of both, on one thread and with a pool, and the peak of memory
 *
 * On one thread CPU time counts, which other work on the machine hardly changes; on two it is the clock.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <yaml.h>

#include <koc/resolve.h>

static const char document[] =
    "---\n# service number %zu\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: service-%zu\n"
    "  namespace: production\n  labels:\n    app.kubernetes.io/name: service-%zu\n    team: \"payments\"\nspec:\n"
    "  replicas: 3\n  selector:\n    matchLabels: {app: service-%zu}\n  template:\n    metadata:\n"
    "      labels: {app: service-%zu}\n    spec:\n      containers:\n        - name: main\n          image: %s%zu\n"
    "          args: [\"--listen=:8080\", '--log=info']\n          ports:\n            - containerPort: 8080\n"
    "              name: http\n          env:\n            - name: MODE\n              value: production\n"
    "          resources:\n            limits: {cpu: 500m, memory: 256Mi}\n"
    "          readinessProbe:\n            httpGet:\n              path: /ready\n              port: http\n";

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *make(size_t size, size_t *len)
{
    char *text = malloc(size + 4096);
    *len = 0;
    for (size_t i = 0; text && *len < size; i++) {
        const char *image = i % 100 == 7 ? "ko://example.test/m/cmd/" : "registry.example/team/";
        *len += (size_t)snprintf(text + *len, 4096, document, i, i, i, i, i, image, i % 20);
    }
    return text;
}

static double bare(clockid_t clock, const char *text, size_t len)
{
    double start = now(clock);
    yaml_parser_t p;
    yaml_event_t e;
    int type = 0;
    yaml_parser_initialize(&p);
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)text, len);
    do {
        if (!yaml_parser_parse(&p, &e)) {
            abort();
        }
        type = e.type;
        yaml_event_delete(&e);
    } while (type != YAML_STREAM_END_EVENT);
    yaml_parser_delete(&p);
    return now(clock) - start;
}

static int count(void *self, const void *data, size_t len, koc_error **err)
{
    (void)data;
    (void)err;
    *(size_t *)self += len;
    return KOC_OK;
}

static double resolve(clockid_t clock, koc_ctx *ctx, const char *text, size_t len, size_t *out)
{
    double start = now(clock);
    koc_resolver *r = NULL;
    koc_strlist *l = NULL;
    koc_writer w = {count, out};
    if (koc_resolver_new(ctx, NULL, &r, NULL) || koc_resolver_add_bytes(r, "in", (koc_str){text, len}, NULL) ||
        koc_resolver_references(r, &l, NULL)) {
        abort();
    }
    for (size_t i = 0; i < koc_strlist_count(l); i++) {
        koc_resolver_set(r, koc_strlist_get(l, i), "registry.example/team/x@sha256:2c26b46b68ffc68ff99b453c1d3041"
                                                   "3413422d706483bfa0f98a5e886266e7ae", NULL);
    }
    if (koc_resolver_write(r, &w, NULL)) {
        abort();
    }
    koc_strlist_free(l);
    koc_resolver_free(r);
    return now(clock) - start;
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

int main(int argc, char **argv)
{
    size_t len = 0, out = 0;
    size_t size = (size_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 50) * 1000000;
    char *text = make(size, &len);
    koc_ctx *ctx = NULL;
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    o.threads = 2;
    if (!text || koc_ctx_new(&o, &ctx, NULL)) {
        return 1;
    }
    long before = peak_kb();
    const clockid_t cpu = CLOCK_PROCESS_CPUTIME_ID, wall = CLOCK_MONOTONIC;
    double mb = (double)len / 1e6, best[4] = {1e9, 1e9, 1e9, 1e9};
    for (int i = 0; i < 5; i++) { /* in turn, so that all see the same machine */
        double t[4] = {bare(cpu, text, len), resolve(cpu, NULL, text, len, &out), bare(wall, text, len),
                       resolve(wall, ctx, text, len, &out)};
        for (int k = 0; k < 4; k++) {
            best[k] = t[k] < best[k] ? t[k] : best[k];
        }
    }
    printf("libyaml, events alone   %6.1f MB/s of CPU, %.1f MB/s by the clock\n", mb / best[0], mb / best[2]);
    printf("resolver, one thread    %6.1f MB/s of CPU, %.2f of libyaml (bar: 0.85)\n", mb / best[1], best[0] / best[1]);
    printf("resolver, two threads   %6.1f MB/s by the clock, %.2f of libyaml (bar: 1.60)\n", mb / best[3], best[2] / best[3]);
    printf("memory beyond the input %6.1f MB (bar: 8.4)\n", (double)(peak_kb() - before) / 1e3);
    koc_ctx_unref(ctx);
    free(text);
    return 0;
}
