/* Encodings: hex, base64, percent, RFC 3339. */
#ifndef KOC__TEXT_H
#define KOC__TEXT_H

#include <koc/base.h>

#include "core/dynbuf.h"

void koc__hex(const uint8_t *data, size_t len, char *out /* 2 * len + 1 */); /* lower case */
bool koc__unhex(koc_str text, uint8_t *out /* text.len / 2 */);              /* lower case only */
int koc__base64(koc__dynbuf *out, koc_str data, bool url_safe, koc_error **err);
/* Standard or URL alphabet, padding optional, nothing else. KOC_EFORMAT. */
int koc__unbase64(koc__dynbuf *out, koc_str text, koc_error **err);
/* Percent-encodes all but unreserved characters and those in keep. */
int koc__percent(koc__dynbuf *out, koc_str text, const char *keep, koc_error **err);
/* 2023-11-14T22:13:20Z; any int64 in years 0..9999, else KOC_EINVAL. */
int koc__rfc3339(koc__dynbuf *out, int64_t epoch_seconds, koc_error **err);
/* Parses RFC 3339; false when it is not. offset_minutes and nanoseconds may be NULL. */
bool koc__parse_rfc3339(koc_str text, int64_t *epoch_seconds, uint32_t *nanoseconds,
                        int *offset_minutes);
/* HTTP date (RFC 9110, 5.6.7, IMF-fixdate). */
bool koc__parse_http_date(koc_str text, int64_t *epoch_seconds);
int64_t koc__now(void);          /* seconds since 1970 */
int64_t koc__monotonic_ms(void); /* for deadlines */
int64_t koc__monotonic_ns(void); /* for measuring */

#endif
