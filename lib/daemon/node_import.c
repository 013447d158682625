/*
 * Imports an image into nodes: `ctr images import` with an OCI layout on stdin, so that the image keeps its
 * digest and koc can ask a node whether it has it. The archive is written to a file once for all nodes.
 */
#include "core/common.h"

#include "daemon/nodes.h"

#include <fcntl.h>

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/io/fs.h"
#include "core/io/fs_open.h"
#include "core/io/io.h"
#include "core/path.h"
#include "store/store.h"

#define LIST_MAX ((size_t)4 << 20)
enum { AT_ONCE = 8 };

typedef struct importing {
    koc__nodes *nodes;
    koc_image *image;
    koc_reference *const *names;
    size_t n_names;
    char *directory, *file; /* the archive, once it is needed */
} importing;

typedef struct node_task {
    const importing *all;
    const char *node; /* "": this host */
    bool has_it;
} node_task;

static void dispose(importing *i)
{
    if (i->directory) {
        (void)koc__fs_remove(i->directory, NULL);
    }
    koc__free(i->directory);
    koc__free(i->file);
}
KOC__DEFINE_AUTO_VAL(importing, dispose);

/* --- commands --- */

static int add_all(koc_strlist *argv, const char *const *list, koc_error **err)
{
    for (; *list; list++) {
        KOC__TRY(koc__strlist_add(argv, *list, err));
    }
    return KOC_OK;
}

/* The ctr command for a node, as kind itself runs it, with --privileged. */
static int ctr_argv(const node_task *t, koc_strlist **out, koc_error **err)
{
    const koc__nodes *n = t->all->nodes;
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__TRY(koc__strlist_new(&argv, err));
    if (n->kind == KOC__LOCAL_CONTAINERD) {
        const char *const here[] = {n->program, "--address", n->name, NULL};
        KOC__TRY(add_all(argv, here, err));
    } else {
        const char *const inside[] = {n->program, "exec", "--privileged", "-i", t->node,
                                      "ctr",      NULL};
        KOC__TRY(add_all(argv, inside, err));
    }
    KOC__TRY(koc__strlist_addf(argv, err, "--namespace=%s", n->space));
    KOC__TRY(koc__strlist_add(argv, "images", err));
    *out = koc__steal(&argv);
    return KOC_OK;
}

static char *describe_import(const node_task *t, const char *verb)
{
    const char *image = koc_reference_string(t->all->names[0]);
    const koc__nodes *n = t->all->nodes;
    switch (n->kind) {
    case KOC__LOCAL_CONTAINERD:
        return koc__format("%s %s into containerd at %s", verb, image, n->name);
    case KOC__LOCAL_MINIKUBE:
        return koc__format("%s %s into minikube profile %s", verb, image, n->name);
    default: return koc__format("%s %s into node %s", verb, image, t->node);
    }
}

/* --- is it there --- */

/* Whether a line of `ctr images ls` has this name and digest: REF TYPE DIGEST SIZE … */
static bool is_listed(koc_str list, const char *name, const char *digest)
{
    koc_str line;
    while (koc__str_split(&list, '\n', &line)) {
        koc_str word[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
        for (size_t i = 0; i < 3 && koc__str_word(&line, &word[i]); i++) {
        }
        if (koc__str_is(word[0], name) && koc__str_is(word[2], digest)) {
            return true;
        }
    }
    return false;
}

/* A koc__task_fn. If the node cannot be asked, it does not have the image. */
static int find_image(void *arg, koc__call *call, koc_error **err)
{
    node_task *t = arg;
    const importing *a = t->all;
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__AUTO_VAL(koc__dynbuf) list = KOC__DYNBUF_INIT(LIST_MAX);
    KOC__TRY(ctr_argv(t, &argv, err));
    KOC__TRY(koc__strlist_add(argv, "ls", err));
    for (size_t i = 0; i < a->n_names; i++) {
        KOC__TRY(koc__strlist_addf(argv, err, "name==%s", koc_reference_string(a->names[i])));
    }
    int rc = koc__nodes_run(argv, NULL, "list its images", call, &list, NULL);
    KOC__TRY(koc__call_check(call, err));
    const koc__digest_text digest = koc__digest_str(&koc_image_descriptor(a->image)->digest);
    t->has_it = rc == KOC_OK;
    for (size_t i = 0; i < a->n_names; i++) {
        t->has_it = t->has_it &&
                    is_listed(koc__dynbuf_view(&list), koc_reference_string(a->names[i]), digest.s);
    }
    return KOC_OK;
}

/* --- the archive --- */

static int write_file(koc_blob *blob, const char *path, koc_progress *event, koc__call *call,
                      koc_error **err)
{
    KOC__AUTO_FD fd = koc__fs_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    koc__fd_target file = {fd, path};
    const koc_writer to = {koc__fd_write, &file};
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    return koc__blob_copy(blob, koc_blob_size(blob), NULL, &to, event, call, err);
}

static int write_archive(importing *a, koc__call *call, uint64_t *size, koc_error **err)
{
    const koc_archive_image image = {sizeof(koc_archive_image), 0, a->image, a->names, a->n_names};
    KOC__AUTO(koc_blob) blob = NULL;
    koc_progress event = KOC_PROGRESS_INIT;
    if (a->nodes->kind == KOC__LOCAL_MINIKUBE) {
        KOC__TRY(koc__archive_blob(&image, 0, call, &blob, err));
    } else {
        KOC__TRY(koc__layout_blob(&image, 0, &blob, err));
    }
    KOC__TRY(koc__fs_tempdir("koc-load-", &a->directory, err));
    a->file = koc__path_join(a->directory, "image.tar");
    if (!a->file) {
        return koc__oom(err);
    }
    *size = event.total = koc_blob_size(blob);
    event.kind = KOC_PROGRESS_BLOB;
    event.what = koc_reference_string(a->names[0]);
    event.id = koc__call_new_id(call);
    int rc = write_file(blob, a->file, &event, call, err);
    event.state = rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED;
    koc__call_progress(call, &event);
    return rc;
}

/* A koc__task_fn. */
static int import_image(void *arg, koc__call *call, koc_error **err)
{
    node_task *t = arg;
    const importing *a = t->all;
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__AUTO_STR what = describe_import(t, "load");
    if (!what) {
        return koc__oom(err);
    }
    if (a->nodes->kind == KOC__LOCAL_MINIKUBE) {
        const char *const list[] = {"minikube",     "image", "load", "-p",
                                    a->nodes->name, a->file, NULL};
        KOC__TRY(koc__strlist_new(&argv, err));
        KOC__TRY(add_all(argv, list, err));
        return koc__nodes_run(argv, NULL, what, call, NULL, err);
    }
    const char *const list[] = {"import", "--all-platforms", "-", NULL};
    KOC__TRY(ctr_argv(t, &argv, err));
    KOC__TRY(add_all(argv, list, err));
    return koc__nodes_run(argv, a->file, what, call, NULL, err);
}

/* --- all nodes --- */

static int on_each(node_task *tasks, size_t n, koc__task_fn fn, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) group = {0};
    KOC__TRY(koc__group_begin(&group, call, AT_ONCE, err));
    for (size_t i = 0; i < n; i++) {
        if (!tasks[i].has_it) {
            KOC__TRY(koc__group_add(&group, fn, &tasks[i], err));
        }
    }
    return koc__group_wait(&group, err);
}

static int load_missing(importing *a, node_task *tasks, size_t n, koc__call *call,
                        koc__local_result *out, koc_error **err)
{
    uint64_t size = 0;
    size_t missing = 0;
    if (a->nodes->kind != KOC__LOCAL_MINIKUBE) {
        KOC__TRY(on_each(tasks, n, find_image, call, err));
    }
    for (size_t i = 0; i < n; i++) {
        missing += tasks[i].has_it ? 0 : 1;
    }
    out->unchanged = missing == 0;
    if (missing == 0) {
        return KOC_OK;
    }
    KOC__TRY(write_archive(a, call, &size, err));
    KOC__TRY(on_each(tasks, n, import_image, call, err));
    out->bytes_sent = size * missing;
    return KOC_OK;
}

int koc__nodes_load(koc__nodes *n, koc_image *img, koc_reference *const *names, size_t n_names,
                    koc__call *call, koc__local_result *out, koc_error **err)
{
    KOC__AUTO_VAL(importing) a = {.nodes = n, .image = img, .names = names, .n_names = n_names};
    koc__local_result result = {0};
    size_t count = koc_strlist_count(n->list);
    node_task *tasks = koc__calloc(count, sizeof(*tasks));
    if (!tasks) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < count; i++) {
        tasks[i] = (node_task){&a, koc_strlist_get(n->list, i), false};
    }
    int rc = load_missing(&a, tasks, count, call, &result, err);
    koc__free(tasks);
    KOC__TRY(rc);
    *out = result;
    return KOC_OK;
}
