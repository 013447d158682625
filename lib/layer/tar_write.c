/*
 * Writes tar byte for byte as Go's archive/tar: DiffIDs must be those of ko. USTAR if everything fits, else
 * pax records; see docs/layer-format.md.
 */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/path.h"
#include "layer/tar.h"

enum { NAME_SIZE = 100, LINK_SIZE = 100, PREFIX_SIZE = 155, OWNER_SIZE = 32 };

/* The fields of a USTAR header: offset and length. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_UNAME = 265,
    AT_GNAME = 297,
    AT_DEVMAJOR = 329,
    AT_DEVMINOR = 337,
    AT_PREFIX = 345
};

/* The pax records of an entry by key, few enough for a simple list. */
typedef struct extras {
    koc__tar_record list[16];
    size_t n;
    char numbers[4][24]; /* text of numeric values */
    size_t n_numbers;
    bool no_ustar;
} extras;

static bool is_ascii(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool fits_octal(size_t field, int64_t v)
{
    return v >= 0 && v < INT64_C(1) << (field - 1) * 3;
}

/* Octal digits, zero-filled, and a NUL. The value fits. */
static void put_octal(uint8_t *block, size_t at, size_t field, uint64_t v)
{
    block[at + field - 1] = 0;
    for (size_t i = field - 1; i-- > 0; v >>= 3) {
        block[at + i] = (uint8_t)('0' + (v & 7));
    }
}

/* The text cut to the field, with a NUL if there is room. A name that is cut after a slash must not look like
 * that of a directory. */
static void put_text(uint8_t *block, size_t at, size_t field, const char *s)
{
    size_t len = strlen(s);
    memcpy(block + at, s, KOC__MIN(len, field));
    if (len > field && block[at + field - 1] == '/') {
        size_t n = field - 1;
        while (n > 0 && block[at + n - 1] == '/') {
            n--;
        }
        block[at + n] = 0;
    }
}

/* As put_text, without the characters that are not ASCII. */
static void put_ascii(uint8_t *block, size_t at, size_t field, const char *s)
{
    char kept[2 * NAME_SIZE + 1];
    size_t n = 0;
    for (; *s && n < sizeof(kept) - 1; s++) {
        if ((unsigned char)*s < 0x80) {
            kept[n++] = *s;
        }
    }
    kept[n] = '\0';
    put_text(block, at, field, kept);
}

/* Magic, version and checksum: the last to be filled in. */
static void seal(uint8_t *block)
{
    memcpy(block + AT_MAGIC, "ustar\00000", 8);
    memset(block + AT_CHECKSUM, ' ', 8);
    uint64_t sum = 0;
    for (size_t i = 0; i < KOC__TAR_BLOCK; i++) {
        sum += block[i];
    }
    put_octal(block, AT_CHECKSUM, 7, sum);
    block[AT_CHECKSUM + 7] = ' ';
}

/* The index of the slash at which a long name is split into prefix and name; 0: it cannot be split. */
static size_t split_at(const char *name)
{
    size_t len = strlen(name);
    if (len <= NAME_SIZE || !is_ascii(name)) {
        return 0;
    }
    size_t within = len;
    if (len > PREFIX_SIZE + 1) {
        within = PREFIX_SIZE + 1;
    } else if (name[len - 1] == '/') {
        within--;
    }
    size_t i = within;
    while (i > 0 && name[i - 1] != '/') {
        i--;
    }
    /* name[i - 1] is the slash: i - 1 bytes before it, len - i behind. */
    return i < 2 || len - i > NAME_SIZE || len == i ? 0 : i - 1;
}

static void add_record(extras *x, const char *key, koc_str value)
{
    x->list[x->n++] = (koc__tar_record){key, value};
}

static void need_text(extras *x, const char *key, const char *value, size_t field)
{
    if (value && (!is_ascii(value) || strlen(value) > field)) {
        x->no_ustar |= !koc__streq(key, "path") || !split_at(value);
        add_record(x, key, koc__str(value));
    }
}

static void need_number(extras *x, const char *key, int64_t value, size_t field)
{
    if (!fits_octal(field, value)) {
        char *text = x->numbers[x->n_numbers++];
        int len = snprintf(text, sizeof(x->numbers[0]), "%lld", (long long)value);
        x->no_ustar = true;
        add_record(x, key, koc__str_n(text, (size_t)len));
    }
}

static int need_records(extras *x, const koc__tar_entry *e, koc_error **err)
{
    for (size_t i = 0; i < e->n_records; i++) {
        const koc__tar_record *r = &e->records[i];
        if (!*r->key || strchr(r->key, '=')) {
            return koc__error(err, KOC_EINVAL, "tar entry %s: \"%s\" is not a valid pax key",
                              e->name, r->key);
        }
        if (x->n == KOC__COUNT(x->list)) {
            return koc__error(err, KOC_ELIMIT, "tar entry %s: more than %zu pax records", e->name,
                              KOC__COUNT(x->list));
        }
        add_record(x, r->key, r->value);
        x->no_ustar = true;
    }
    return KOC_OK;
}

static int by_key(const void *a, const void *b)
{
    const koc__tar_record *x = a;
    const koc__tar_record *y = b;
    return strcmp(x->key, y->key);
}

/* Collects the records that entry e needs, sorted by key. */
static int collect(const koc__tar_entry *e, extras *x, koc_error **err)
{
    need_text(x, "path", e->name, NAME_SIZE);
    need_text(x, "linkpath", e->link, LINK_SIZE);
    need_text(x, "uname", e->uname, OWNER_SIZE);
    need_text(x, "gname", e->gname, OWNER_SIZE);
    need_number(x, "uid", (int64_t)e->uid, 8);
    need_number(x, "gid", (int64_t)e->gid, 8);
    need_number(x, "size", (int64_t)e->size, 12);
    need_number(x, "mtime", e->mtime, 12);
    KOC__TRY(need_records(x, e, err));
    qsort(x->list, x->n, sizeof(x->list[0]), by_key);
    for (size_t i = 1; i < x->n; i++) {
        if (koc__streq(x->list[i].key, x->list[i - 1].key)) {
            return koc__error(err, KOC_EINVAL, "tar entry %s: two pax records \"%s\"", e->name,
                              x->list[i].key);
        }
    }
    return KOC_OK;
}

/* "<len> <key>=<value>\n", where len counts its own digits. */
static int append_record(koc__dynbuf *out, const koc__tar_record *r, koc_error **err)
{
    size_t rest = strlen(r->key) + r->value.len + 3;
    size_t len = 0;
    for (size_t digits = 1, bound = 10;; digits++, bound *= 10) {
        len = rest + digits;
        if (len < bound) {
            break;
        }
    }
    KOC__TRY(koc__dynbuf_printf(out, err, "%zu %s=", len, r->key));
    KOC__TRY(koc__dynbuf_put(out, r->value, err));
    return koc__dynbuf_putc(out, '\n', err);
}

/* "<dir>/PaxHeaders.0/<file>". */
static int pax_name(const char *name, char **out, koc_error **err)
{
    const char *slash = strrchr(name, '/');
    size_t dir = slash ? (size_t)(slash - name) + 1 : 0;
    KOC__AUTO_STR raw = koc__format("%.*sPaxHeaders.0/%s", (int)dir, name, name + dir);
    char *clean = raw ? koc__path_clean(raw) : NULL;
    if (!clean) {
        return koc__oom(err);
    }
    *out = clean;
    return KOC_OK;
}

static int write_records(koc__tar_writer *w, const char *name, const extras *x, koc_error **err)
{
    static const uint8_t zeros[KOC__TAR_BLOCK] = {0};
    KOC__AUTO_VAL(koc__dynbuf) data = KOC__DYNBUF_INIT(KOC__TAR_EXTENSION_MAX);
    for (size_t i = 0; i < x->n; i++) {
        KOC__TRY(append_record(&data, &x->list[i], err));
    }
    KOC__AUTO_STR header_name = NULL;
    KOC__TRY(pax_name(name, &header_name, err));
    uint8_t block[KOC__TAR_BLOCK] = {0};
    put_ascii(block, AT_NAME, NAME_SIZE, header_name);
    for (size_t n = NAME_SIZE; n > 0 && (!block[n - 1] || block[n - 1] == '/'); n--) {
        block[n - 1] = 0;
    }
    put_octal(block, AT_MODE, 8, 0);
    put_octal(block, AT_UID, 8, 0);
    put_octal(block, AT_GID, 8, 0);
    put_octal(block, AT_SIZE, 12, data.len);
    put_octal(block, AT_MTIME, 12, 0);
    block[AT_TYPE] = 'x';
    seal(block);
    KOC__TRY(w->sink(w->self, block, sizeof(block), err));
    KOC__TRY(w->sink(w->self, data.ptr, data.len, err));
    return w->sink(w->self, zeros, -data.len % KOC__TAR_BLOCK, err);
}

static void put_number(uint8_t *block, size_t at, size_t field, int64_t v)
{
    put_octal(block, at, field, fits_octal(field, v) ? (uint64_t)v : 0);
}

/* The USTAR header; with pax records, text is reduced to ASCII and names are not split. */
static int write_main(koc__tar_writer *w, const koc__tar_entry *e, bool pax, koc_error **err)
{
    void (*put)(uint8_t *, size_t, size_t, const char *) = pax ? put_ascii : put_text;
    uint8_t block[KOC__TAR_BLOCK] = {0};
    size_t split = pax ? 0 : split_at(e->name);
    put(block, AT_NAME, NAME_SIZE, split ? e->name + split + 1 : e->name);
    put_number(block, AT_MODE, 8, e->mode);
    put_number(block, AT_UID, 8, (int64_t)e->uid);
    put_number(block, AT_GID, 8, (int64_t)e->gid);
    put_number(block, AT_SIZE, 12, (int64_t)e->size);
    put_number(block, AT_MTIME, 12, e->mtime);
    block[AT_TYPE] = (uint8_t)e->type;
    put(block, AT_LINK, LINK_SIZE, e->link ? e->link : "");
    put(block, AT_UNAME, OWNER_SIZE, e->uname ? e->uname : "");
    put(block, AT_GNAME, OWNER_SIZE, e->gname ? e->gname : "");
    put_number(block, AT_DEVMAJOR, 8, e->dev_major);
    put_number(block, AT_DEVMINOR, 8, e->dev_minor);
    memcpy(block + AT_PREFIX, e->name, split);
    seal(block);
    return w->sink(w->self, block, sizeof(block), err);
}

int koc__tar_header(koc__tar_writer *w, const koc__tar_entry *e, koc_error **err)
{
    assert(w->left == 0);
    if (!*e->name || e->mode > 07777777 || e->size > INT64_MAX || e->uid > INT64_MAX ||
        e->gid > INT64_MAX) {
        return koc__error(err, KOC_EINVAL, "tar entry %s: no name, or a number out of range",
                          e->name);
    }
    if (e->type == KOC__TAR_FILE && e->name[strlen(e->name) - 1] == '/') {
        return koc__error(err, KOC_EINVAL, "tar entry %s: a file's name cannot end in a slash",
                          e->name);
    }
    extras x = {.n = 0};
    KOC__TRY(collect(e, &x, err));
    if (x.no_ustar) {
        KOC__TRY(write_records(w, e->name, &x, err));
    }
    KOC__TRY(write_main(w, e, x.no_ustar, err));
    w->left = e->size;
    w->pad = (uint32_t)(-e->size % KOC__TAR_BLOCK);
    return KOC_OK;
}

int koc__tar_passed(koc__tar_writer *w, size_t len, koc_error **err)
{
    static const uint8_t zeros[KOC__TAR_BLOCK] = {0};
    assert(len <= w->left);
    w->left -= len;
    uint32_t pad = w->left == 0 ? w->pad : 0;
    w->pad -= pad;
    return pad ? w->sink(w->self, zeros, pad, err) : KOC_OK;
}

int koc__tar_data(koc__tar_writer *w, const void *data, size_t len, koc_error **err)
{
    assert(len <= w->left);
    KOC__TRY(w->sink(w->self, data, len, err));
    return koc__tar_passed(w, len, err);
}

int koc__tar_data_write(void *tar_writer, const void *data, size_t len, koc_error **err)
{
    return koc__tar_data(tar_writer, data, len, err);
}

int koc__tar_end(koc__tar_writer *w, koc_error **err)
{
    static const uint8_t zeros[2 * KOC__TAR_BLOCK] = {0};
    assert(w->left == 0 && w->pad == 0);
    return w->sink(w->self, zeros, sizeof(zeros), err);
}
