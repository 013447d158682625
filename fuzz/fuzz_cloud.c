/* What clouds leave in files and say: INI, flat XML, private keys. Nothing is found outside of the input. */
#include "fuzz.h"

#include "cloud/cloud_aws.h"
#include "text/ini.h"
#include "text/pem.h"

static bool inside(koc_str part, koc_str all)
{
    return part.len == 0 || (part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    KOC__AUTO_VAL(koc__aws_keys) keys = KOC__AWS_KEYS_INIT;
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(64 << 10);
    koc_error *err = NULL;
    koc_str value = koc__ini_value(text, "default", "aws_access_key_id");
    FUZZ_CHECK(inside(value, text) && !memchr(value.ptr, '\n', value.len));
    FUZZ_CHECK(inside(koc__xml_text(text, "Credentials"), text));
    if (fuzz_ok(koc__aws_sts_reply(text, &keys, &err), &err)) {
        FUZZ_CHECK(keys.access && keys.secret);
    }
    if (fuzz_ok(koc__pem_rsa_key(text, &key, &err), &err)) {
        FUZZ_CHECK(key.len <= size);
    }
    return 0;
}
