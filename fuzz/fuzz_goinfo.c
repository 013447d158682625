/* Build info of programs: any file is read or refused, whichever way its bytes come. */
#include "fuzz.h"

#include "golang/golang.h"

static void check_info(const koc__exe_info *info)
{
    FUZZ_CHECK(info->go_version && info->text);
    for (size_t i = 0; i < info->n_deps; i++) {
        FUZZ_CHECK(info->deps[i].path && info->deps[i].version && info->deps[i].sum);
    }
    for (size_t i = 0; i < info->n_settings; i++) {
        FUZZ_CHECK(info->settings[i].key && info->settings[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    koc_error *err = NULL;
    if (fuzz_ok(koc__exe_info_parse(fuzz_str(data, size), &info, &err), &err)) {
        check_info(info);
    }
    return 0;
}
