/*
 * Reads tar: ustar, pax, GNU long names, old V7. Every resource that an archive can demand is limited, and
 * contradictory headers are errors.
 */
#include "core/common.h"

#include "core/dynbuf.h"
#include "layer/tar.h"

enum {
    BLOCK = KOC__TAR_BLOCK,
    EXTENSIONS_MAX = 16, /* extended headers before one entry */
    RECORDS_MAX = 256,
    JUMP = 256 * 1024 /* more content than this is skipped by seeking, if possible */
};

struct koc__tar_reader {
    koc_reader *in;
    bool owned;     /* in is ours */
    koc_blob *blob; /* the blob behind in, or NULL */
    koc__call *call;
    char *what;
    uint64_t offset;  /* of in, in the archive */
    uint64_t content; /* start of the current entry's content */
    uint64_t left;    /* of it */
    uint32_t pad;     /* behind it */
    bool ended;
    bool trailing; /* the end mark is followed by something other than zeros */
    koc__dynbuf name, link, pax;
    koc__tar_record records[RECORDS_MAX];
    size_t n_records;
    char uname[33], gname[33];
    uint8_t block[BLOCK];
};

/* The values of the extended headers before an entry. */
typedef struct overrides {
    bool path, link, size, mtime, uid, gid;
    uint64_t size_value, uid_value, gid_value;
    int64_t mtime_value;
} overrides;

static int broken(const koc__tar_reader *r, const char *why, koc_error **err)
{
    return koc__error(err, KOC_EFORMAT, "%s: not a valid tar at byte %llu: %s", r->what,
                      (unsigned long long)r->offset, why);
}

int koc__tar_reader_new(koc_reader *in, const char *what, koc__tar_reader **out, koc_error **err)
{
    koc__tar_reader *r = koc__calloc(1, sizeof(*r));
    char *copy = koc__strdup(what);
    if (!r || !copy) {
        koc__free(r);
        koc__free(copy);
        return koc__oom(err);
    }
    r->in = in;
    r->what = copy;
    r->name.max = KOC__TAR_EXTENSION_MAX + BLOCK;
    r->link.max = KOC__TAR_EXTENSION_MAX + BLOCK;
    r->pax.max = KOC__TAR_EXTENSION_MAX + BLOCK;
    *out = r;
    return KOC_OK;
}

int koc__tar_reader_open(koc_blob *blob, const char *what, koc__call *call, koc__tar_reader **out,
                         koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    KOC__TRY(koc__blob_open(blob, 0, call, &in, err));
    KOC__TRY(koc__tar_reader_new(in, what, out, err));
    koc__steal(&in);
    (*out)->owned = true;
    (*out)->blob = koc_blob_ref(blob);
    (*out)->call = call;
    return KOC_OK;
}

void koc__tar_reader_free(koc__tar_reader *r)
{
    if (!r) {
        return;
    }
    if (r->owned) {
        koc_reader_free(r->in);
    }
    koc_blob_unref(r->blob);
    koc__dynbuf_dispose(&r->name);
    koc__dynbuf_dispose(&r->link);
    koc__dynbuf_dispose(&r->pax);
    koc__free(r->what);
    koc__free(r);
}

/* --- numbers and text of a header --- */

/* Octal digits between spaces and NULs, or base 256. */
static bool number(const uint8_t *field, size_t len, int64_t *out)
{
    int64_t v = 0;
    if (field[0] & 0x80) {
        v = field[0] & 0x40 ? -1 : 0; /* GNU: two's complement after the mark */
        for (size_t i = 0; i < len; i++) {
            uint8_t byte =
                i ? field[i] : (uint8_t)(field[0] & 0x40 ? field[0] | 0x80 : field[0] & 0x7f);
            if (v > INT64_MAX >> 8 || v < INT64_MIN >> 8) {
                return false;
            }
            v = (int64_t)((uint64_t)v << 8 | byte);
        }
        *out = v;
        return true;
    }
    size_t i = 0;
    while (i < len && (field[i] == ' ' || field[i] == 0)) {
        i++;
    }
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
        v = v << 3 | (field[i] - '0'); /* at most 12 digits */
    }
    while (i < len && (field[i] == ' ' || field[i] == 0)) {
        i++;
    }
    *out = v;
    return i == len;
}

static koc_str text(const uint8_t *field, size_t len)
{
    const char *p = (const char *)field;
    return koc__str_n(p, strnlen(p, len));
}

static bool checksum_holds(const uint8_t *block)
{
    int64_t stored = 0;
    int64_t as_unsigned = 0;
    int64_t as_signed = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t c = i >= 148 && i < 156 ? ' ' : block[i];
        as_unsigned += c;
        as_signed += (int8_t)c; /* what some old writers summed */
    }
    return number(block + 148, 8, &stored) && (stored == as_unsigned || stored == as_signed);
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < BLOCK; i++) {
        if (block[i]) {
            return false;
        }
    }
    return true;
}

/* --- moving through the archive --- */

static int fill(koc__tar_reader *r, void *buf, size_t len, size_t *n, koc_error **err)
{
    KOC__TRY(koc__reader_fill(r->in, buf, len, n, err));
    r->offset += *n;
    return KOC_OK;
}

static int jump(koc__tar_reader *r, uint64_t len, koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    if (r->offset + len > koc_blob_size(r->blob)) {
        return broken(r, "it ends too early", err);
    }
    KOC__TRY(koc__blob_open(r->blob, r->offset + len, r->call, &in, err));
    koc_reader_free(r->in);
    r->in = koc__steal(&in);
    r->offset += len;
    return KOC_OK;
}

static int skip(koc__tar_reader *r, uint64_t len, koc_error **err)
{
    if (r->blob && len > JUMP) {
        return jump(r, len, err);
    }
    char scratch[8192];
    while (len > 0) {
        size_t n = 0;
        KOC__TRY(fill(r, scratch, KOC__MIN(len, sizeof(scratch)), &n, err));
        if (n == 0) {
            return broken(r, "it ends too early", err);
        }
        len -= n;
    }
    return KOC_OK;
}

/* The next header block; *more false at the end of the archive. */
static int next_block(koc__tar_reader *r, bool *more, koc_error **err)
{
    size_t n = 0;
    *more = false;
    KOC__TRY(fill(r, r->block, BLOCK, &n, err));
    if (n == 0) {
        return KOC_OK; /* no end mark: other readers accept that */
    }
    if (n < BLOCK) {
        return broken(r, "it ends too early", err);
    }
    if (is_zero(r->block)) {
        KOC__TRY(fill(r, r->block, BLOCK, &n, err));
        return n == 0 || (n == BLOCK && is_zero(r->block))
                   ? KOC_OK
                   : broken(r, "a single zero block instead of two", err);
    }
    if (!checksum_holds(r->block)) {
        return broken(r, "the checksum of a header is wrong", err);
    }
    *more = true;
    return KOC_OK;
}

/* The content of an extended header, into out. */
static int extension(koc__tar_reader *r, koc__dynbuf *out, koc_error **err)
{
    int64_t size = 0;
    if (!number(r->block + 124, 12, &size) || size < 0 || size > KOC__TAR_EXTENSION_MAX) {
        return broken(r, "an extended header is too large", err);
    }
    size_t padded = ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;
    size_t n = 0;
    koc__dynbuf_clear(out);
    KOC__TRY(koc__dynbuf_reserve(out, padded + 1, err));
    KOC__TRY(fill(r, out->ptr, padded, &n, err));
    if (n < padded) {
        return broken(r, "it ends too early", err);
    }
    out->len = (size_t)size;
    out->ptr[size] = '\0';
    return KOC_OK;
}

/* --- pax --- */

/* Seconds, perhaps with a fraction, which is rounded down. */
static bool pax_time(koc_str value, int64_t *out)
{
    koc_str whole = value;
    koc_str fraction = {NULL, 0};
    koc__str_cut(value, '.', &whole, &fraction);
    if (!koc__str_i64(whole, out)) {
        return false;
    }
    bool has_fraction = false;
    for (size_t i = 0; i < fraction.len; i++) {
        if (fraction.ptr[i] < '0' || fraction.ptr[i] > '9') {
            return false;
        }
        has_fraction |= fraction.ptr[i] != '0';
    }
    if (has_fraction && value.ptr[0] == '-') {
        *out -= 1;
    }
    return true;
}

static int set_text(koc__tar_reader *r, koc__dynbuf *to, bool *set, koc_str value, koc_error **err)
{
    if (memchr(value.ptr, 0, value.len)) {
        return broken(r, "a name with a NUL", err);
    }
    koc__dynbuf_clear(to);
    *set = value.len > 0;
    return koc__dynbuf_put(to, value, err);
}

static int set_record(koc__tar_reader *r, overrides *o, const char *key, koc_str value,
                      koc_error **err)
{
    bool good = true;
    if (koc__streq(key, "path")) {
        return set_text(r, &r->name, &o->path, value, err);
    }
    if (koc__streq(key, "linkpath")) {
        return set_text(r, &r->link, &o->link, value, err);
    }
    if (koc__streq(key, "size")) {
        good = o->size = koc__str_u64(value, &o->size_value);
    } else if (koc__streq(key, "uid")) {
        good = o->uid = koc__str_u64(value, &o->uid_value);
    } else if (koc__streq(key, "gid")) {
        good = o->gid = koc__str_u64(value, &o->gid_value);
    } else if (koc__streq(key, "mtime")) {
        good = o->mtime = pax_time(value, &o->mtime_value);
    } else if (r->n_records == RECORDS_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s: a tar entry has more than %d pax records", r->what,
                          RECORDS_MAX);
    } else {
        r->records[r->n_records++] = (koc__tar_record){key, value};
    }
    return good ? KOC_OK : broken(r, "a pax record with a bad number", err);
}

/* Any number of "<len> <key>=<value>\n". */
static int pax_records(koc__tar_reader *r, overrides *o, koc_error **err)
{
    char *p = r->pax.ptr;
    size_t left = r->pax.len;
    while (left > 0) {
        koc_str digits = {NULL, 0};
        koc_str rest = {NULL, 0};
        uint64_t len = 0;
        if (!koc__str_cut(koc__str_n(p, left), ' ', &digits, &rest) ||
            !koc__str_u64(digits, &len) || len > left || len < digits.len + 4 ||
            p[len - 1] != '\n') {
            return broken(r, "a bad pax record", err);
        }
        koc_str pair = koc__str_n(rest.ptr, (size_t)len - digits.len - 2);
        koc_str key = {NULL, 0};
        koc_str value = {NULL, 0};
        if (!koc__str_cut(pair, '=', &key, &value) || key.len == 0 || memchr(key.ptr, 0, key.len)) {
            return broken(r, "a bad pax record", err);
        }
        char *name = p + (key.ptr - p);
        name[key.len] = '\0';
        KOC__TRY(set_record(r, o, name, value, err));
        p += len;
        left -= (size_t)len;
    }
    return KOC_OK;
}

/* --- entries --- */

/* One extended header; *more false: the block is an entry's own header. */
static int take_extension(koc__tar_reader *r, overrides *o, bool *more, koc_error **err)
{
    *more = true;
    switch (r->block[156]) {
    case 'x':
        KOC__TRY(extension(r, &r->pax, err));
        r->n_records = 0;
        return pax_records(r, o, err);
    case 'g': /* of the archive as a whole: a comment of git archive and the like */
        r->n_records = 0;
        return extension(r, &r->pax, err);
    case 'L':
        KOC__TRY(extension(r, &r->name, err));
        r->name.len = strlen(r->name.ptr);
        o->path = r->name.len > 0;
        return KOC_OK;
    case 'K':
        KOC__TRY(extension(r, &r->link, err));
        r->link.len = strlen(r->link.ptr);
        o->link = r->link.len > 0;
        return KOC_OK;
    case 'S':
        return koc__error(err, KOC_EUNSUPPORTED, "%s: old GNU sparse files are not read", r->what);
    default: *more = false; return KOC_OK;
    }
}

static int header_name(koc__tar_reader *r, koc_error **err)
{
    koc_str name = text(r->block, 100);
    koc_str prefix = text(r->block + 345, 155);
    koc__dynbuf_clear(&r->name);
    if (memcmp(r->block + 257, "ustar\0", 6) == 0 && prefix.len > 0) {
        KOC__TRY(koc__dynbuf_put(&r->name, prefix, err));
        KOC__TRY(koc__dynbuf_putc(&r->name, '/', err));
    }
    return koc__dynbuf_put(&r->name, name, err);
}

static int numbers(koc__tar_reader *r, const overrides *o, koc__tar_entry *e, koc_error **err)
{
    int64_t mode = 0;
    int64_t uid = 0;
    int64_t gid = 0;
    int64_t size = 0;
    int64_t mtime = 0;
    if (!number(r->block + 100, 8, &mode) || !number(r->block + 108, 8, &uid) ||
        !number(r->block + 116, 8, &gid) || !number(r->block + 124, 12, &size) ||
        !number(r->block + 136, 12, &mtime) || size < 0) {
        return broken(r, "a bad number in a header", err);
    }
    e->mode = (uint32_t)mode & 07777;
    e->uid = o->uid ? o->uid_value : (uint64_t)KOC__MAX(uid, 0);
    e->gid = o->gid ? o->gid_value : (uint64_t)KOC__MAX(gid, 0);
    e->size = o->size ? o->size_value : (uint64_t)size;
    e->mtime = o->mtime ? o->mtime_value : mtime;
    return e->size <= INT64_MAX - BLOCK ? KOC_OK : broken(r, "a file is too large", err);
}

/* Only of devices: for other types old writers leave garbage in these fields. */
static int device(koc__tar_reader *r, koc__tar_entry *e, koc_error **err)
{
    int64_t major = 0;
    int64_t minor = 0;
    if (e->type != '3' && e->type != '4') {
        return KOC_OK;
    }
    if (!number(r->block + 329, 8, &major) || !number(r->block + 337, 8, &minor) || major < 0 ||
        minor < 0 || major > UINT32_MAX || minor > UINT32_MAX) {
        return broken(r, "a bad device number", err);
    }
    e->dev_major = (uint32_t)major;
    e->dev_minor = (uint32_t)minor;
    return KOC_OK;
}

static void copy_owner(char out[33], koc_str value)
{
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
}

static int entry(koc__tar_reader *r, const overrides *o, koc__tar_entry *out, koc_error **err)
{
    koc__tar_entry e = {0};
    KOC__TRY(numbers(r, o, &e, err));
    if (!o->path) {
        KOC__TRY(header_name(r, err));
    }
    if (!o->link) {
        koc__dynbuf_clear(&r->link);
        KOC__TRY(koc__dynbuf_put(&r->link, text(r->block + 157, 100), err));
    }
    if (r->name.len == 0) {
        return broken(r, "an entry without a name", err);
    }
    copy_owner(r->uname, text(r->block + 265, 32));
    copy_owner(r->gname, text(r->block + 297, 32));
    e.type = (char)r->block[156];
    if (e.type == 0 || e.type == '7') {
        e.type = e.type == 0 && r->name.ptr[r->name.len - 1] == '/' ? KOC__TAR_DIR : KOC__TAR_FILE;
    }
    KOC__TRY(device(r, &e, err));
    bool has_content = e.type < '1' || e.type > '6';
    e.size = has_content ? e.size : 0;
    e.name = koc__dynbuf_cstr(&r->name);
    e.link = r->link.len > 0 ? koc__dynbuf_cstr(&r->link) : NULL;
    e.uname = r->uname;
    e.gname = r->gname;
    e.records = r->records;
    e.n_records = r->n_records;
    r->left = e.size;
    r->pad = (uint32_t)(-e.size % BLOCK);
    r->content = r->offset;
    *out = e;
    return KOC_OK;
}

/*
 * Reads the data after the end mark: a stream is verified only when its own end was read. Skipped for an
 * archive that is a file of its own, which is not verified and may be large.
 */
static int drain(koc__tar_reader *r, koc_error **err)
{
    char scratch[8192];
    size_t n = 0;
    if (r->blob) {
        return KOC_OK;
    }
    do {
        KOC__TRY(fill(r, scratch, sizeof(scratch), &n, err));
        for (size_t i = 0; i < n && !r->trailing; i++) {
            r->trailing = scratch[i] != 0;
        }
    } while (n > 0);
    return KOC_OK;
}

int koc__tar_next(koc__tar_reader *r, koc__tar_entry *out, bool *more, koc_error **err)
{
    overrides o = {0};
    KOC__TRY(skip(r, r->left + r->pad, err));
    r->left = r->pad = 0;
    r->n_records = 0;
    for (int i = 0; i < EXTENSIONS_MAX && !r->ended; i++) {
        bool block = false;
        bool extended = false;
        KOC__TRY(next_block(r, &block, err));
        r->ended = !block;
        if (r->ended && i > 0) {
            return broken(r, "an extended header without its entry", err);
        }
        if (block) {
            KOC__TRY(take_extension(r, &o, &extended, err));
        }
        if (block && !extended) {
            *more = true;
            return entry(r, &o, out, err);
        }
    }
    if (!r->ended) {
        return koc__error(err, KOC_ELIMIT, "%s: too many extended headers in a row", r->what);
    }
    *more = false;
    return drain(r, err);
}

bool koc__tar_trailing(const koc__tar_reader *r)
{
    return r->trailing;
}

int koc__tar_read(koc__tar_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    size_t n = 0;
    if (r->left > 0 && len > 0) {
        KOC__TRY(koc_reader_read(r->in, buf, KOC__MIN(len, r->left), &n, err));
        if (n == 0) {
            return broken(r, "it ends too early", err);
        }
        r->offset += n;
        r->left -= n;
    }
    *n_read = n;
    return KOC_OK;
}

uint64_t koc__tar_content_offset(const koc__tar_reader *r)
{
    return r->content;
}
