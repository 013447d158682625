/* The table of contents of a tar file on disk. */
#ifndef KOC__CONTENTS_H
#define KOC__CONTENTS_H

#include "core/io/io.h"

/* The most entries of an archive, for readers and writers. */
#define KOC__CONTENTS_MAX 1000000

typedef struct koc__contents koc__contents;
typedef struct koc__extent {
    uint64_t start, size;
} koc__extent;

/* KOC_EUNSUPPORTED: the file is compressed as a whole. */
int koc__contents_open(const char *path, koc__call *call, koc__contents **out, koc_error **err);
void koc__contents_free(koc__contents *c);
KOC__DEFINE_AUTO(koc__contents, koc__contents_free);
/* name is clean: without "./". */
bool koc__contents_has(const koc__contents *c, const char *name);
/* The content of name, through links. *clean (or NULL) gets the name of the file that has it. KOC_EFORMAT. */
int koc__contents_find(const koc__contents *c, const char *name, koc__extent *out, char **clean,
                       koc_error **err);
/* Its readers verify expect unless it is NULL. */
int koc__contents_blob(const koc__contents *c, const char *name, const koc_digest *expect,
                       koc_blob **out, koc_error **err);
int koc__contents_read(const koc__contents *c, const char *name, size_t max, koc__call *call,
                       koc_buf *out, koc_error **err);

#endif
