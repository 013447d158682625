/* Docker contexts and addresses of daemons. The parts: an address, config.json, the context's meta.json. */
#include "directory.h"
#include "parts.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "daemon/endpoint.h"

#undef setenv

static void check(const koc__endpoint *e)
{
    FUZZ_CHECK(!e->socket != !e->authority);
    FUZZ_CHECK(e->address && *e->address);
}

static void parse(koc_str text)
{
    KOC__AUTO(koc__endpoint) e = NULL;
    KOC__AUTO_STR address = fuzz_text((const uint8_t *)text.ptr, text.len);
    koc_error *err = NULL;
    if (fuzz_ok(koc__endpoint_parse(address, "DOCKER_HOST", &e, &err), &err)) {
        check(e);
    }
}

/* The context is always called "c". */
static void look_up(koc_str config, koc_str meta)
{
    KOC__AUTO(koc__endpoint) e = NULL;
    koc_digest id;
    koc_error *err = NULL;
    koc__sha256_of("c", 1, &id);
    KOC__AUTO_STR dir =
        koc__format("%s/contexts/meta/%s", fuzz_directory(), koc__digest_hex(&id).s);
    KOC__AUTO_STR meta_path = koc__format("%s/meta.json", dir ? dir : "");
    KOC__AUTO_STR config_path = koc__format("%s/config.json", fuzz_directory());
    FUZZ_CHECK(dir && meta_path && config_path);
    FUZZ_CHECK(koc__fs_mkdirs(dir, 0755, NULL) == KOC_OK);
    FUZZ_CHECK(setenv("DOCKER_CONFIG", fuzz_directory(), 1) == 0);
    fuzz_write(config_path, config);
    fuzz_write(meta_path, meta);
    if (fuzz_ok(koc__endpoint_of_context(&e, &err), &err) && e) {
        check(e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str rest = fuzz_str(data, size);
    parse(next_part(&rest));
    koc_str config = next_part(&rest);
    look_up(config, next_part(&rest));
    return 0;
}
