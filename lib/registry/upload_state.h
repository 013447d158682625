/* Decisions of an upload from what the registry answered. No I/O. */
#ifndef KOC__UPLOAD_STATE_H
#define KOC__UPLOAD_STATE_H

#include <koc/base.h>

#include "http/http_message.h"

#define KOC__CHUNK_SMALLEST ((uint64_t)64 << 10)

/*
 * An upload has two forms: the blob in one PUT, or in pieces by PATCH and a PUT without a body to close it.
 * Registries and the proxies before them may take only one of the two, and say so with any status.
 */
typedef enum koc__verdict {
    KOC__UPLOAD_DONE,
    KOC__UPLOAD_CONFIRM, /* perhaps: ask whether the blob is there, else a new session */
    KOC__UPLOAD_RESTART, /* the session is lost: a new one */
    KOC__UPLOAD_SMALLER, /* too much at once: smaller pieces */
    KOC__UPLOAD_OTHER,   /* refused: one try by the other form */
    KOC__UPLOAD_REHASH,  /* the registry got other bytes: are ours still what they were? */
    KOC__UPLOAD_FAIL     /* about rights, or about us: no form would help */
} koc__verdict;
/* After a PUT or PATCH of an upload. status 0: no reply, then why counts. */
koc__verdict koc__upload_verdict(int status, const char *code, koc__failure why);
/* Whether the status says that the form is not known there, more than anything about the blob. */
bool koc__upload_is_about_form(int status);

/* Range of an upload ("0-499", "bytes=0-499"): how many bytes the registry has. "0-0" is what an empty
 * session says too: *none_or_one. false: nothing usable. */
bool koc__upload_range(const char *value, uint64_t *have, bool *none_or_one);
#define KOC__OFFSET_LOST UINT64_MAX
/* Where to go on after a PATCH of [start, end) that was accepted; KOC__OFFSET_LOST: a new session. */
uint64_t koc__upload_after_chunk(const char *range, uint64_t start, uint64_t end);
/* Where to go on after a break, by the status of the session; sent: an upper bound of what can be there. */
uint64_t koc__upload_resume(const char *range, uint64_t sent);

/* Bytes a chunk: what went through before (0: nothing known), else by host, never below minimum (the
 * registry's OCI-Chunk-Min-Length, 0: none). */
uint64_t koc__chunk_size(const char *host, uint64_t known, uint64_t minimum);
/* After a chunk of tried bytes was cut when got of them were on their way; 0: it cannot be smaller. */
uint64_t koc__chunk_shrink(uint64_t tried, uint64_t got, uint64_t minimum);

#endif
