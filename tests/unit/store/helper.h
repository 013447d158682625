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
/* How many times needle is in text. */
size_t count(const char *text, const char *needle);

#endif
