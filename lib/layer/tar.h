/* Tar archives: writes as Go's archive/tar, reads those of other tools. POSIX.1-2017, pax; GNU long names. */
#ifndef KOC__TAR_H
#define KOC__TAR_H

#include <koc/io.h>

#include "core/io/io.h"
#include "core/str.h"

#define KOC__TAR_BLOCK 512
/* The maximum size of one extended header, written or read. */
#define KOC__TAR_EXTENSION_MAX ((1 << 20) - KOC__TAR_BLOCK)

enum {
    KOC__TAR_FILE = '0',
    KOC__TAR_HARDLINK = '1',
    KOC__TAR_SYMLINK = '2',
    KOC__TAR_DIR = '5'
    /* readers may meet others */
};

/* An extended header record. The value may hold any bytes. */
typedef struct koc__tar_record {
    const char *key;
    koc_str value;
} koc__tar_record;

typedef struct koc__tar_entry {
    const char *name;          /* exactly as in the archive */
    const char *link;          /* target, or NULL */
    const char *uname, *gname; /* or NULL */
    uint32_t mode;             /* permission bits with setuid, setgid and sticky bit */
    char type;                 /* KOC__TAR_* */
    uint64_t uid, gid;
    int64_t mtime;                  /* seconds since 1970, may be negative */
    uint64_t size;                  /* of the content that follows */
    uint32_t dev_major, dev_minor;  /* of devices */
    const koc__tar_record *records; /* in addition to those that the fields above need */
    size_t n_records;
} koc__tar_entry;

/* --- writing (tar_write.c) --- */
typedef int (*koc__tar_sink)(void *self, const void *data, size_t len, koc_error **err);
typedef struct koc__tar_writer {
    koc__tar_sink sink;
    void *self;
    uint64_t left; /* content of the current entry that is still missing */
    uint32_t pad;  /* zeros after it */
} koc__tar_writer;
/* clang-format off */
#define KOC__TAR_WRITER_INIT(sink, self) { (sink), (self), 0, 0 }
/* clang-format on */
/* Writes the headers of an entry; its content must follow before the next. KOC_EINVAL: it cannot be stored.
 * */
int koc__tar_header(koc__tar_writer *w, const koc__tar_entry *e, koc_error **err);
int koc__tar_data(koc__tar_writer *w, const void *data, size_t len, koc_error **err);
/* koc__tar_data as the write of a koc_writer. */
int koc__tar_data_write(void *tar_writer, const void *data, size_t len, koc_error **err);
/* Counts len bytes of content that the caller wrote to the sink itself. */
int koc__tar_passed(koc__tar_writer *w, size_t len, koc_error **err);
/* Writes the two zero blocks. */
int koc__tar_end(koc__tar_writer *w, koc_error **err);

/* --- reading (tar_read.c) --- */
typedef struct koc__tar_reader koc__tar_reader;
/* what names the archive in errors. in is borrowed. */
int koc__tar_reader_new(koc_reader *in, const char *what, koc__tar_reader **out, koc_error **err);
/* Over a blob, so that it can seek over content. Refs blob; call must outlive the reader. */
int koc__tar_reader_open(koc_blob *blob, const char *what, koc__call *call, koc__tar_reader **out,
                         koc_error **err);
void koc__tar_reader_free(koc__tar_reader *r);
KOC__DEFINE_AUTO(koc__tar_reader, koc__tar_reader_free);
/* The next entry (*more false: the end), after the rest of the last one is skipped. At the end of the archive
 * a stream has been read to its own end, so that a verifying reader has verified. Strings are borrowed from r
 * until the next call. KOC_EFORMAT, KOC_ELIMIT, KOC_EUNSUPPORTED (old GNU sparse files). */
int koc__tar_next(koc__tar_reader *r, koc__tar_entry *out, bool *more, koc_error **err);
/* Whether bytes other than zeros followed the end mark; known at the end, of streams only. */
bool koc__tar_trailing(const koc__tar_reader *r);
/* Content of the current entry; *n_read 0 is its end. */
int koc__tar_read(koc__tar_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err);
/* Where the content of the current entry starts in the archive. */
uint64_t koc__tar_content_offset(const koc__tar_reader *r);

#endif
