/*
 * The format of records of inputs: lines of text, the first of which names the version.
 *
 *   koc-inputs-1 <time>
 *   s <name> <value>
 *   r <0|1> <revision> <root>
 *   d <kind> <stamp> <listing> <path>     the following files are in this directory
 *   <kind> <stamp> <header> <content> <name>
 *
 * Numbers are hexadecimal. A stamp is size,mtime,ctime,inode,mode. A dot stands for an unknown hash.
 */
#include "core/common.h"

#include "core/text.h"
#include "golang/record/input_record.h"

#define KIND       "inputs"
#define FORM       "koc-inputs-1 "
#define RECORD_MAX ((size_t)64 << 20)

int koc__inputs_new(koc__inputs **out, koc_error **err)
{
    KOC__AUTO(koc__inputs) in = koc__calloc(1, sizeof(*in));
    if (!in) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_new(&in->lines, err));
    *out = koc__steal(&in);
    return KOC_OK;
}

void koc__inputs_free(koc__inputs *in)
{
    if (!in) {
        return;
    }
    for (size_t i = 0; i < in->n_strings; i++) {
        koc__free(in->strings[i]);
    }
    koc__free(in->strings);
    koc_strlist_free(in->lines);
    koc__free(in->dirs);
    koc__free(in->files);
    koc__free(in->repos);
    koc__free(in->text);
    koc__free(in);
}

/* --- adding --- */

static int copy_string(koc__inputs *in, const char *text, const char **out, koc_error **err)
{
    if (!koc__grow((void **)&in->strings, &in->strings_capacity, in->n_strings + 1,
                   sizeof(char *))) {
        return koc__oom(err);
    }
    char *copy = koc__strdup(text);
    if (!copy) {
        return koc__oom(err);
    }
    in->strings[in->n_strings++] = copy;
    *out = copy;
    return KOC_OK;
}

static int new_dir(koc__inputs *in, koc__input_dir **out, koc_error **err)
{
    if (!koc__grow((void **)&in->dirs, &in->dirs_capacity, in->n_dirs + 1, sizeof(*in->dirs))) {
        return koc__oom(err);
    }
    *out = &in->dirs[in->n_dirs++];
    **out = (koc__input_dir){.first = in->n_files};
    return KOC_OK;
}

static int new_file(koc__inputs *in, koc__input_file **out, koc_error **err)
{
    if (in->n_dirs == 0 ||
        !koc__grow((void **)&in->files, &in->files_capacity, in->n_files + 1, sizeof(*in->files))) {
        return koc__oom(err);
    }
    in->dirs[in->n_dirs - 1].count++;
    *out = &in->files[in->n_files++];
    **out = (koc__input_file){0};
    return KOC_OK;
}

static int new_repo(koc__inputs *in, koc__input_repo **out, koc_error **err)
{
    if (!koc__grow((void **)&in->repos, &in->repos_capacity, in->n_repos + 1, sizeof(*in->repos))) {
        return koc__oom(err);
    }
    *out = &in->repos[in->n_repos++];
    **out = (koc__input_repo){0};
    return KOC_OK;
}

int koc__inputs_add_dir(koc__inputs *in, const char *path, char kind, koc__input_dir **out,
                        koc_error **err)
{
    const char *text = NULL;
    KOC__TRY(copy_string(in, path, &text, err));
    KOC__TRY(new_dir(in, out, err));
    (*out)->path = text;
    (*out)->kind = kind;
    return KOC_OK;
}

int koc__inputs_add_file(koc__inputs *in, const char *name, char kind, koc__input_file **out,
                         koc_error **err)
{
    const char *text = NULL;
    KOC__TRY(copy_string(in, name, &text, err));
    KOC__TRY(new_file(in, out, err));
    (*out)->name = text;
    (*out)->kind = kind;
    return KOC_OK;
}

int koc__inputs_add_repo(koc__inputs *in, const char *root, const char *revision, bool modified,
                         koc_error **err)
{
    koc__input_repo r = {.modified = modified};
    koc__input_repo *place = NULL;
    KOC__TRY(copy_string(in, root, &r.root, err));
    KOC__TRY(copy_string(in, revision, &r.revision, err));
    KOC__TRY(new_repo(in, &place, err));
    *place = r;
    return KOC_OK;
}

/* --- reading --- */

static bool read_number(char **at, char end, uint64_t *out)
{
    uint64_t n = 0;
    char *p = *at;
    for (; *p != end; p++) {
        unsigned digit = *p >= '0' && *p <= '9'   ? (unsigned)(*p - '0')
                         : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a' + 10)
                                                  : 16;
        if (digit > 15 || n >> 60) {
            return false;
        }
        n = n << 4 | digit;
    }
    bool any = p > *at;
    *out = n;
    *at = p + 1;
    return any;
}

static bool read_stamp(char **at, koc__stamp *out)
{
    uint64_t mtime = 0, ctime = 0, mode = 0;
    bool valid = read_number(at, ',', &out->size) && read_number(at, ',', &mtime) &&
                 read_number(at, ',', &ctime) && read_number(at, ',', &out->inode) &&
                 read_number(at, ' ', &mode);
    out->mtime_ns = (int64_t)mtime;
    out->ctime_ns = (int64_t)ctime;
    out->mode = (uint32_t)mode;
    return valid;
}

static bool read_hash(char **at, koc__hash *out)
{
    enum { DIGITS = 2 * sizeof(out->bytes) };
    if ((*at)[0] == '.' && (*at)[1] == ' ') {
        *at += 2;
        return true;
    }
    if (strlen(*at) <= DIGITS || (*at)[DIGITS] != ' ' ||
        !koc__unhex(koc__str_n(*at, DIGITS), out->bytes)) {
        return false;
    }
    *at += DIGITS + 1;
    return true;
}

/* "r <0|1> <revision> <root>" */
static int read_repo(koc__inputs *in, char *at, bool *valid, koc_error **err)
{
    uint64_t modified = 0;
    koc__input_repo *r = NULL;
    char *space = read_number(&at, ' ', &modified) ? strchr(at, ' ') : NULL;
    *valid = space != NULL;
    if (!space) {
        return KOC_OK;
    }
    KOC__TRY(new_repo(in, &r, err));
    *space = '\0';
    *r = (koc__input_repo){space + 1, at, modified != 0};
    return KOC_OK;
}

static int read_line(koc__inputs *in, char *line, bool *valid, koc_error **err)
{
    char kind = line[0];
    char *at = line + 2;
    koc__input_dir *d = NULL;
    koc__input_file *f = NULL;
    *valid = kind != '\0' && line[1] == ' ';
    if (!*valid) {
        return KOC_OK;
    }
    switch (kind) {
    case 's': return koc__strlist_add(in->lines, at, err);
    case 'r': return read_repo(in, at, valid, err);
    case 'd':
        KOC__TRY(new_dir(in, &d, err));
        d->kind = *at;
        at += *at ? 1 : 0;
        *valid = *at == ' ' && at++ && read_stamp(&at, &d->stamp) && read_hash(&at, &d->listing);
        d->path = at;
        return KOC_OK;
    case KOC__INPUT_ABSENT:
    case KOC__INPUT_OPAQUE:
    case KOC__INPUT_SOURCE:
    case KOC__INPUT_CONTENT:
        *valid = in->n_dirs > 0;
        if (!*valid) {
            return KOC_OK;
        }
        KOC__TRY(new_file(in, &f, err));
        f->kind = kind;
        *valid =
            read_stamp(&at, &f->stamp) && read_hash(&at, &f->header) && read_hash(&at, &f->content);
        f->name = at;
        return KOC_OK;
    default: *valid = false; return KOC_OK;
    }
}

/* Fills in the record from its text, which it cuts into lines. */
static int read_record(koc__inputs *in, bool *valid, koc_error **err)
{
    char *line = in->text;
    uint64_t time = 0;
    *valid = strncmp(line, FORM, strlen(FORM)) == 0;
    line += *valid ? strlen(FORM) : 0;
    *valid = *valid && read_number(&line, '\n', &time);
    in->time_ns = (int64_t)time;
    while (*valid && *line) {
        char *end = strchr(line, '\n');
        if (!end) {
            *valid = false;
            break;
        }
        *end = '\0';
        KOC__TRY(read_line(in, line, valid, err));
        line = end + 1;
    }
    return KOC_OK;
}

int koc__inputs_recall(koc__cache *cache, koc_str key, koc__inputs **out, koc_error **err)
{
    KOC__AUTO(koc__inputs) in = NULL;
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    bool found = false, valid = false;
    KOC__TRY(koc__cache_get(cache, KIND, key, RECORD_MAX, &found, &text, err));
    if (!found || !text.ptr || memchr(text.ptr, '\0', text.len)) {
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_new(&in, err));
    in->text = koc__strndup(text.ptr, text.len);
    if (!in->text) {
        return koc__oom(err);
    }
    KOC__TRY(read_record(in, &valid, err));
    in->complete = valid;
    bool light = in->n_dirs == 0 && koc_strlist_count(in->lines) > 0;
    if (valid && (in->n_files > 0 || light)) {
        *out = koc__steal(&in);
    }
    return KOC_OK;
}

/* --- writing --- */

static int write_stamp(koc__dynbuf *out, const koc__stamp *s, koc_error **err)
{
    return koc__dynbuf_printf(out, err, "%llx,%llx,%llx,%llx,%x ", (unsigned long long)s->size,
                              (unsigned long long)s->mtime_ns, (unsigned long long)s->ctime_ns,
                              (unsigned long long)s->inode, (unsigned)s->mode);
}

static int write_hash(koc__dynbuf *out, const koc__hash *h, koc_error **err)
{
    static const koc__hash none;
    char text[2 * sizeof(h->bytes) + 1];
    if (koc__hash_equal(h, &none)) {
        return koc__dynbuf_puts(out, ". ", err);
    }
    koc__hex(h->bytes, sizeof(h->bytes), text);
    KOC__TRY(koc__dynbuf_puts(out, text, err));
    return koc__dynbuf_putc(out, ' ', err);
}

static int write_dir(koc__dynbuf *out, const koc__inputs *in, const koc__input_dir *d,
                     koc_error **err)
{
    KOC__TRY(koc__dynbuf_printf(out, err, "d %c ", d->kind));
    KOC__TRY(write_stamp(out, &d->stamp, err));
    KOC__TRY(write_hash(out, &d->listing, err));
    KOC__TRY(koc__dynbuf_puts(out, d->path, err));
    KOC__TRY(koc__dynbuf_putc(out, '\n', err));
    for (size_t i = d->first; i < d->first + d->count; i++) {
        const koc__input_file *f = &in->files[i];
        KOC__TRY(koc__dynbuf_printf(out, err, "%c ", f->kind));
        KOC__TRY(write_stamp(out, &f->stamp, err));
        KOC__TRY(write_hash(out, &f->header, err));
        KOC__TRY(write_hash(out, &f->content, err));
        KOC__TRY(koc__dynbuf_puts(out, f->name, err));
        KOC__TRY(koc__dynbuf_putc(out, '\n', err));
    }
    return KOC_OK;
}

int koc__inputs_keep(koc__cache *cache, koc_str key, const koc__inputs *in, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(RECORD_MAX);
    KOC__TRY(koc__dynbuf_printf(&text, err, FORM "%llx\n", (unsigned long long)in->time_ns));
    for (size_t i = 0; i < koc_strlist_count(in->lines); i++) {
        KOC__TRY(koc__dynbuf_printf(&text, err, "s %s\n", koc_strlist_get(in->lines, i)));
    }
    for (size_t i = 0; i < in->n_repos; i++) {
        const koc__input_repo *r = &in->repos[i];
        KOC__TRY(koc__dynbuf_printf(&text, err, "r %d %s %s\n", r->modified, r->revision, r->root));
    }
    for (size_t i = 0; i < in->n_dirs; i++) {
        KOC__TRY(write_dir(&text, in, &in->dirs[i], err));
    }
    /* A cache that cannot be written must not fail the build. */
    (void)koc__cache_put(cache, KIND, key, koc__dynbuf_view(&text), NULL);
    return KOC_OK;
}
