/* What the tests of the store module share. */
#ifndef KOC_TESTS_STORE_HELPER_H
#define KOC_TESTS_STORE_HELPER_H

#include "core/common.h"

#include <koc/layer.h>
#include <koc/store.h>

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/fs.h"
#include "core/io/io.h"
#include "core/str.h"
#include "model/model.h"
#include "store/store.h"
#include "test.h"
#include "text/json.h"

#define TEST_MAX ((size_t)64 << 20)

void ok(int rc, koc_error *err);
void fails(int rc, koc_code code, koc_error **err);
koc_ctx *context(void);
/* An image with one layer for each text, for os/arch "linux/<arch>"; compression KOC_COMPRESS_*. */
koc_image *image(koc_ctx *ctx, const char *arch, int32_t compression, const char *const *texts);
void read_file(const char *path, koc__dynbuf *out);
/* A file of a damaged disk, or of somebody who means harm. */
enum {
    DAMAGE_FLIP, /* one bit of the last byte; the size stays */
    DAMAGE_CUT,
    DAMAGE_LONGER,
    DAMAGE_EMPTY,
    DAMAGE_MISSING,
    DAMAGE_DIRECTORY,
    DAMAGE_DANGLING, /* a link that leads nowhere */
    DAMAGE_CIRCLE,   /* a link to itself */
    DAMAGE_FIFO,     /* whoever opens it waits */
    DAMAGES
};
const char *damage_name(int damage);
void damage_file(const char *path, int damage);
/* The path of a blob of the layout in dir; koc__free. */
char *blob_path(const char *dir, const koc_digest *d);
/* As fails(), and the message has `word`. */
void fails_saying(int rc, koc_code code, const char *word, koc_error **err);
/* How many times needle is in text. */
size_t count(const char *text, const char *needle);

#endif
