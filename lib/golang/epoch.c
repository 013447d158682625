/* Reads SOURCE_DATE_EPOCH and KO_DATA_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch). */
#include "core/common.h"

#include "core/env.h"
#include "golang/golang.h"

int koc__go_epoch(const char *variable, bool *found, int64_t *out, koc_error **err)
{
    const char *text = koc__env_nonempty(variable);
    if (!text) {
        *found = false;
        return KOC_OK;
    }
    int64_t seconds = 0;
    if (!koc__str_i64(koc__str(text), &seconds)) {
        return koc__error(err, KOC_EINVAL, "%s: not a whole number of seconds: %s", variable, text);
    }
    *found = true;
    *out = seconds;
    return KOC_OK;
}
