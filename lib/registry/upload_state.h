/* Decides how an upload continues, by the answers of the registry. No I/O. */
#ifndef KOC__UPLOAD_STATE_H
#define KOC__UPLOAD_STATE_H

#include <stdatomic.h>

#include <koc/base.h>

#include "http/http_message.h"

#define KOC__CHUNK_SMALLEST ((uint64_t)64 << 10)

/*
 * An upload has two forms: the blob in one PUT, or in chunks by PATCH and a closing PUT without a
 * body. Registries, and proxies in front of them, may support only one of the two, and say so with
 * any status.
 */
typedef enum koc__verdict {
    KOC__UPLOAD_DONE,
    KOC__UPLOAD_CONFIRM, /* perhaps done: ask whether the blob is there, else open a new session */
    KOC__UPLOAD_RESTART, /* the session is lost: open a new one */
    KOC__UPLOAD_SMALLER, /* the body is too long: send smaller chunks */
    KOC__UPLOAD_OTHER,   /* this form is refused: try the other one once */
    KOC__UPLOAD_REHASH,  /* the registry got other bytes: check whether the local content changed */
    KOC__UPLOAD_FAIL     /* a matter of rights, or a local failure: no form would help */
} koc__verdict;
/* After a PUT or PATCH of an upload. status 0: there was no reply, and why says the reason. */
koc__verdict koc__upload_verdict(int status, const char *code, koc__failure why);
/* Whether the status says that the registry does not know the form, rather than anything about
 * the blob. */
bool koc__upload_is_about_form(int status);

#define KOC__OFFSET_LOST UINT64_MAX
/* The offset after a PATCH of [start, end) that was accepted; KOC__OFFSET_LOST: a new session is
 * needed. */
uint64_t koc__upload_after_chunk(const char *range, uint64_t start, uint64_t end);
/* The offset to resume at, by the Range of the session; sent: the most that the registry can
 * have. */
uint64_t koc__upload_resume(const char *range, uint64_t sent);

/* Bytes per chunk: known, the longest that succeeded (0: nothing known), else by host; never
 * below minimum (the registry's OCI-Chunk-Min-Length, 0: none). */
uint64_t koc__chunk_size(const char *host, uint64_t known, uint64_t minimum);
/* The next size after a chunk of tried bytes was cut when got of them were sent; 0: it cannot be
 * smaller. */
uint64_t koc__chunk_shrink(uint64_t tried, uint64_t got, uint64_t minimum);

/* How uploads to one host succeeded: the next one begins that way. Shared by threads. */
typedef struct koc__upload_habits {
    atomic_bool prefers_patch;     /* one succeeded by PATCH after its PUT failed */
    atomic_uint_fast64_t body_max; /* a longer body was refused or cut; 0: none was */
} koc__upload_habits;
bool koc__upload_prefers_patch(const koc__upload_habits *h);
void koc__upload_set_patch(koc__upload_habits *h, bool prefer);
/* 0: no limit is known. */
uint64_t koc__upload_body_max(const koc__upload_habits *h);
/* Only ever lowers the limit. */
void koc__upload_limit_body(koc__upload_habits *h, uint64_t max);

/* The smaller of two limits of which 0 means none. */
uint64_t koc__upload_smaller(uint64_t a, uint64_t b);

#endif
