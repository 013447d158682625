/* What the tests of the layer module share. */
#ifndef KOC_TESTS_LAYER_HELPER_H
#define KOC_TESTS_LAYER_HELPER_H

#include "core/common.h"

#include "core/dynbuf.h"
#include "core/hash/sha256.h"
#include "core/io/io.h"
#include "layer/layer.h"
#include "layer/packer.h"
#include "test.h"

#define TEST_MAX ((size_t)256 << 20)

/* Fails with the error's message. */
void ok(int rc, koc_error *err);
/* rc is code; frees *err. */
void fails(int rc, koc_code code, koc_error **err);

/* A context with that many threads; cache NULL: none. */
koc_ctx *context(unsigned threads, const char *cache);
/* A reader over data (borrowed) that gives at most step bytes at a time. */
koc_reader *trickle(const void *data, size_t len, size_t step);
/* All that r gives; r is freed. */
int slurp(koc_reader *r, koc__dynbuf *out, koc_error **err);
/* The compressed bytes of a layer, and its tar. */
void layer_bytes(koc_layer *l, koc__dynbuf *out);
void layer_tar(koc_layer *l, koc__dynbuf *out);
/* Pseudo-random bytes (the same each time); text: letters that compress. */
void noise(uint8_t *out, size_t len, uint32_t seed, bool text);
/* A file below tests/golden. */
void golden(const char *name, koc__dynbuf *out);
/* Decodes gzip data of any number of members. */
int gunzip(const void *data, size_t len, size_t step, uint64_t max, koc__dynbuf *out,
           koc_error **err);

#endif
