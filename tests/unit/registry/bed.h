/* A client and a scripted registry, which it asks by plain http. */
#ifndef KOC_TESTS_UNIT_REGISTRY_BED_H
#define KOC_TESTS_UNIT_REGISTRY_BED_H

#include "core/common.h"

#include <koc/koc.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/text.h"
#include "registry/client.h"
#include "registry/operations.h"
#include "scripted.h"
#include "test.h"

typedef struct bed {
    scripted *server;
    const char *host; /* of the server */
    koc_ctx *ctx;
    koc_client *client;
    koc_op op;
    koc_error *err;   /* of the last call */
    char waits[8192]; /* "reason (attempt, known|-)\n" of each wait, then the state that ended it */
    char events[4096]; /* "blob STATE\n" and "manifest STATE\n", without those of bytes */
    char log[65536];
} bed;

/* options NULL: anonymous, two attempts of each request. */
void bed_open(bed *b, const scripted_rule *rules, const koc_client_options *options);
/* With a cache, in the test's directory. */
void bed_open_cached(bed *b, const scripted_rule *rules, const koc_client_options *options);
/* With one credential for the server. */
void bed_open_login(bed *b, const scripted_rule *rules, int32_t kind, const char *user,
                    const char *secret);
void bed_close(bed *b);
KOC__DEFINE_AUTO_VAL(bed, bed_close);

/* A reference to the server: "/x:v1" is "127.0.0.1:1234/x:v1". */
koc_reference *bed_reference(bed *b, const char *rest);
/* The manifest of "/x:v1", which is not kept; the error is in b->err. */
int bed_get_manifest(bed *b);
/* Reads the blob with the digest of `text` in pieces of `piece` bytes, and compares it. */
int bed_read_blob(bed *b, const char *text, uint64_t size, size_t piece);
int bed_put_blob(bed *b, koc_str data);
const char *bed_digest(const char *text); /* in one of four buffers */
const char *bed_message(const bed *b);    /* of b->err; "" without one */
const char *bed_hint(const bed *b);
void bed_forget_error(bed *b);

/* "Docker-Content-Digest: …\r\n" of a text, in one of four buffers. */
const char *bed_digest_field(const char *text);

#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST                                    \
    "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":2,"        \
    "\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"},"     \
    "\"layers\":[]}"
#define OCI_TYPE "Content-Type: " KOC_MT_OCI_MANIFEST "\r\n"

#endif
