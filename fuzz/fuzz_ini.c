/* INI files of the AWS tools, and replies in XML: what is found is a piece of the text. */
#include "fuzz.h"

#include "text/ini.h"

static void check_view(koc_str text, koc_str value)
{
    FUZZ_CHECK(value.len == 0 || (value.ptr >= text.ptr && value.len <= text.len &&
                                  value.ptr + value.len <= text.ptr + text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const sections[] = {"default", "profile a", "sso-session s", ""};
    static const char *const keys[] = {"region", "aws_access_key_id", "role_arn", "s3", ""};
    static const char *const names[] = {"AccessKeyId", "Error", ""};
    koc_str text = fuzz_str(data, size);
    for (size_t s = 0; s < KOC__COUNT(sections); s++) {
        for (size_t k = 0; k < KOC__COUNT(keys); k++) {
            koc_str value = koc__ini_value(text, sections[s], keys[k]);
            check_view(text, value);
            FUZZ_CHECK(!memchr(value.ptr ? value.ptr : "", '\n', value.len));
        }
    }
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        check_view(text, koc__xml_text(text, names[i]));
    }
    return 0;
}
