/* Gathers the files and directories of a record: adds each once, with its stamp. */
#include "core/common.h"

#include "core/path.h"
#include "golang/record/input_record.h"

static int mark_seen(koc__inputs_gather *g, char kind, const char *path, bool *is_new,
                     koc_error **err)
{
    static char yes;
    KOC__AUTO_STR key = koc__format("%c%s", kind, path);
    if (!key) {
        return koc__oom(err);
    }
    *is_new = !koc__map_get(g->seen, koc__str(key));
    return *is_new ? koc__map_set(g->seen, koc__str(key), &yes, err) : KOC_OK;
}

bool koc__inputs_is_dir(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void koc__inputs_give_up(koc__inputs_gather *g, const char *why)
{
    g->usable = false;
    g->why = g->why ? g->why : why;
}

int koc__inputs_gather_single(koc__inputs_gather *g, const char *path, koc_error **err)
{
    bool is_new = false;
    KOC__TRY(mark_seen(g, KOC__INPUT_OPAQUE, path, &is_new, err));
    return is_new ? koc__strlist_add(g->single_files, path, err) : KOC_OK;
}

int koc__inputs_gather_single_in(koc__inputs_gather *g, const char *dir, const char *name,
                                 koc_error **err)
{
    KOC__AUTO_STR path = koc__path_join(dir, name);
    return path ? koc__inputs_gather_single(g, path, err) : koc__oom(err);
}

int koc__inputs_gather_dir(koc__inputs_gather *g, const char *path, char kind, koc_strlist *names,
                           bool *added, koc_error **err)
{
    koc__input_dir *d = NULL;
    koc__stamp stamp;
    KOC__TRY(mark_seen(g, kind, path, added, err));
    if (!*added) {
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_add_dir(g->in, path, kind, &d, err));
    if (koc__fs_stamp(path, true, &stamp, NULL) != KOC_OK ||
        koc__inputs_listing(path, kind, names, &d->listing, NULL) != KOC_OK) {
        koc__inputs_give_up(g, "a directory that cannot be read");
        return KOC_OK;
    }
    d->stamp = stamp;
    return KOC_OK;
}

int koc__inputs_gather_file(koc__inputs_gather *g, const char *dir, const char *name, char kind,
                            koc_error **err)
{
    koc__input_file *f = NULL;
    koc_error *why = NULL;
    KOC__AUTO_STR path = koc__path_join(dir, name);
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(koc__inputs_add_file(g->in, name, kind, &f, err));
    int rc = koc__fs_stamp(path, true, &f->stamp, &why);
    koc_error_free(why);
    if (rc == KOC_ENOTFOUND && kind == KOC__INPUT_OPAQUE && *dir == '\0') {
        f->kind = KOC__INPUT_ABSENT;
        f->stamp = (koc__stamp){0};
        return KOC_OK;
    }
    koc__hash
        content; /* not kept: the stamp is enough, since recently changed files are not recorded */
    if (rc == KOC_OK && kind == KOC__INPUT_SOURCE) {
        rc = koc__inputs_hash_file(path, &content, &f->header, NULL);
    }
    if (rc != KOC_OK) {
        koc__inputs_give_up(g, "a file that cannot be read");
    }
    return KOC_OK;
}
