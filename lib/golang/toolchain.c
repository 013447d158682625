/* The go tool, what it says about itself, and the memo of such answers that one run shares. */
#include "core/common.h"

#include <pthread.h>

#include "core/env.h"
#include "core/path.h"
#include "core/run/proc.h"
#include "core/text.h"
#include "golang/go_env.h"
#include "golang/golang.h"
#include "text/json.h"

#define GO_ENV_MAX ((size_t)1 << 20)

struct koc__go_env {
    pthread_mutex_t mutex; /* held while go or git runs: other threads wait for the answer */
    char *tool;
    koc__stamp tool_stamp;
    koc__map *go_env;
    koc__map *git; /* from directory to koc__git */
    bool has_time;
    int64_t time;
};

static void free_git(void *g)
{
    koc__git_free(g);
}

int koc__go_env_new(koc__go_env **out, koc_error **err)
{
    koc__go_env *e = koc__calloc(1, sizeof(*e));
    if (!e) {
        return koc__oom(err);
    }
    e->git = koc__map_new(free_git);
    if (!e->git) {
        koc__free(e);
        return koc__oom(err);
    }
    pthread_mutex_init(&e->mutex, NULL);
    *out = e;
    return KOC_OK;
}

void koc__go_env_free(koc__go_env *e)
{
    if (!e) {
        return;
    }
    koc__map_free(e->git);
    koc__map_free(e->go_env);
    koc__free(e->tool);
    pthread_mutex_destroy(&e->mutex);
    koc__free(e);
}

/* --- the tool --- */

static int find_tool(koc__go_env *e, koc_error **err)
{
    const char *named = koc__env_nonempty("KO_GO_PATH");
    KOC__AUTO_STR found = NULL;
    int rc = koc__proc_find(named ? named : "go", NULL, &found, err);
    if (rc == KOC_ENOTFOUND && named) {
        rc = koc__error(err, rc, "cannot build: KO_GO_PATH names no program: %s", named);
        koc__error_hint(err, "set KO_GO_PATH to the go tool, or unset it to use go from PATH");
        return rc;
    }
    if (rc == KOC_ENOTFOUND) {
        rc = koc__error(err, rc, "cannot build: there is no go in PATH");
        koc__error_hint(err, "install Go (https://go.dev/dl), or set KO_GO_PATH to the go tool");
        return rc;
    }
    KOC__TRY(rc);
    KOC__AUTO_STR absolute = NULL; /* go may run in another directory */
    KOC__TRY(koc__path_abs(found, &absolute, err));
    KOC__TRY(koc__fs_stamp(absolute, true, &e->tool_stamp, err));
    e->tool = koc__steal(&absolute);
    return KOC_OK;
}

int koc__go_tool(koc__go_env *e, const char **path, koc__stamp *stamp, koc_error **err)
{
    pthread_mutex_lock(&e->mutex);
    int rc = e->tool ? KOC_OK : find_tool(e, err);
    pthread_mutex_unlock(&e->mutex);
    KOC__TRY(rc);
    *path = e->tool;
    if (stamp) {
        *stamp = e->tool_stamp;
    }
    return KOC_OK;
}

/* --- go env --- */

static int read_go_env(koc_str json, koc__map **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(json, GO_ENV_MAX, "go env -json", &doc, err));
    KOC__AUTO(koc__map) map = koc__map_new(koc__free);
    if (!map) {
        return koc__oom(err);
    }
    for (koc__jnode *n = koc__json_child(koc__json_root(doc)); n; n = koc__json_next(n)) {
        const char *text = koc__json_str(n);
        char *value = text ? koc__strdup(text) : NULL;
        if (text && !value) {
            return koc__oom(err);
        }
        if (value) {
            int rc = koc__map_set(map, koc__str(koc__json_name(n)), value, err);
            if (rc != KOC_OK) {
                koc__free(value);
                return rc;
            }
        }
    }
    *out = koc__steal(&map);
    return KOC_OK;
}

static int run_go_env(koc__go_env *e, koc__call *call, koc_error **err)
{
    if (!e->tool) {
        KOC__TRY(find_tool(e, err));
    }
    const char *const argv[] = {e->tool, "env", "-json", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    const koc__proc proc = {.argv = argv, .max_output = GO_ENV_MAX};
    KOC__TRY(koc__proc_run(&proc, call, &result, err));
    if (result.exit_code != 0) {
        int rc = koc__error(err, KOC_EPROCESS, "go env failed (exit %d)", result.exit_code);
        koc__error_detail(err, koc__dynbuf_view(&result.errors));
        return rc;
    }
    return read_go_env(koc__dynbuf_view(&result.output), &e->go_env, err);
}

int koc__go_tool_env(koc__go_env *e, koc__call *call, const koc__map **out, koc_error **err)
{
    pthread_mutex_lock(&e->mutex);
    int rc = e->go_env ? KOC_OK : run_go_env(e, call, err);
    pthread_mutex_unlock(&e->mutex);
    KOC__TRY(rc);
    *out = e->go_env;
    return KOC_OK;
}

/* --- time --- */

int koc__go_build_time(koc__go_env *e, int64_t *out, koc_error **err)
{
    pthread_mutex_lock(&e->mutex);
    int rc = KOC_OK;
    if (!e->has_time) {
        bool found = false;
        rc = koc__go_epoch("SOURCE_DATE_EPOCH", &found, &e->time, err);
        if (rc == KOC_OK && !found) {
            e->time = koc__now();
        }
        e->has_time = rc == KOC_OK;
    }
    pthread_mutex_unlock(&e->mutex);
    KOC__TRY(rc);
    *out = e->time;
    return KOC_OK;
}

/* --- git --- */

int koc__go_git(koc__go_env *e, const char *dir, int part, koc__call *call, const koc__git **out,
                koc_error **err)
{
    koc_str key = koc__str(dir ? dir : ".");
    pthread_mutex_lock(&e->mutex);
    int rc = KOC_OK;
    koc__git *g = koc__map_get(e->git, key);
    if (!g) {
        g = koc__calloc(1, sizeof(*g));
        rc = g ? koc__map_set(e->git, key, g, err) : koc__oom(err);
        if (rc != KOC_OK) {
            koc__free(g);
        }
    }
    if (rc == KOC_OK && !(g->known & (1u << part))) {
        rc = koc__git_fill(g, dir, part, call, err);
    }
    pthread_mutex_unlock(&e->mutex);
    KOC__TRY(rc);
    *out = g;
    return KOC_OK;
}
