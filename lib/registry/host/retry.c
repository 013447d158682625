#include "core/common.h"

#include "registry/host/retry.h"

#include "core/str.h"
#include "core/text.h"
#include "registry/registry_error.h"

#define FIRST_DELAY_MS 100
#define LAST_DELAY_MS  5000

koc__retry koc__retry_of_status(int status, const char *code)
{
    /* Some registries report a temporary failure of their own with 400. */
    static const char *const temporary[] = {"UNKNOWN", "BLOB_UPLOAD_INVALID", "TOOMANYREQUESTS",
                                            NULL};

    switch (status) {
    case 429: return KOC__RETRY_THROTTLE;
    case 403: return strcmp(code, "TOOMANYREQUESTS") == 0 ? KOC__RETRY_THROTTLE : KOC__RETRY_NO;
    case 408:
    case 425:
    case 499:
    case 500:
    case 502:
    case 503:
    case 504:
    case 529: return KOC__RETRY_YES;
    case 400: return koc__regerror_code_in(code, temporary) ? KOC__RETRY_ONCE : KOC__RETRY_NO;
    default: break;
    }
    if (status >= 520 && status <= 527) {
        return KOC__RETRY_YES;
    }
    return strcmp(code, "UNAVAILABLE") == 0 ? KOC__RETRY_YES : KOC__RETRY_NO;
}

koc__retry koc__retry_of_failure(koc__failure failure, bool idempotent, bool answered)
{
    switch (failure) {
    case KOC__FAIL_RESOLVE:
    case KOC__FAIL_CONNECT:
    case KOC__FAIL_CONNECT_TIMEOUT:
    case KOC__FAIL_TLS: return KOC__RETRY_YES; /* nothing was sent yet */
    case KOC__FAIL_BROKEN: return idempotent ? KOC__RETRY_YES : KOC__RETRY_NO;
    case KOC__FAIL_SILENT: return idempotent && answered ? KOC__RETRY_YES : KOC__RETRY_NO;
    default: return KOC__RETRY_NO;
    }
}

bool koc__retry_after(const char *value, int64_t now, int64_t *seconds)
{
    koc_str text = koc__str_trim(koc__str(value));
    uint64_t n;
    int64_t date;
    if (koc__str_u64(text, &n)) {
        *seconds = n > 1000000000 ? 1000000000 : (int64_t)n;
        return true;
    }
    if (!koc__parse_http_date(text, &date) || date <= now) {
        return false;
    }
    *seconds = date - now;
    return true;
}

int64_t koc__retry_delay_ms(unsigned attempt, uint32_t random)
{
    int64_t ceiling = attempt > 10 ? LAST_DELAY_MS : (int64_t)FIRST_DELAY_MS << attempt;
    ceiling = KOC__MIN(ceiling, LAST_DELAY_MS);
    return (int64_t)(random % (uint32_t)(ceiling + 1));
}
