/* Documents that hold credentials: a found one never has a line end in it, errors quote nothing. */
#include "fuzz.h"

#include "auth/auth_config.h"
#include "auth/auth_helper.h"

static const char *const hosts[] = {"r.example", "r.example:5000", "index.docker.io"};

static void check(const koc_credential *c)
{
    const char *user = koc_credential_username(c), *secret = koc_credential_secret(c);
    FUZZ_CHECK(!secret || !strpbrk(secret, "\r\n"));
    FUZZ_CHECK(!user || !strpbrk(user, "\r\n"));
}

static void read_config(koc_str text)
{
    KOC__AUTO(koc__json) doc = NULL;
    if (koc__json_parse(text, 1 << 20, "config", &doc, NULL) != KOC_OK) {
        return;
    }
    const koc__jnode *root = koc__json_root(doc);
    for (size_t i = 0; i < KOC__COUNT(hosts); i++) {
        const char *how = NULL;
        const char *broken = NULL;
        koc_error *err = NULL;
        KOC__AUTO(koc_credential) c = NULL;
        const char *helper = koc__config_helper(root, hosts[i], &how);
        FUZZ_CHECK(!helper || (helper[0] && how));
        const koc__jnode *entry = koc__config_entry(root, i % 2 == 1, hosts[i], "team/app");
        if (entry && fuzz_ok(koc__config_credential(entry, "test", &broken, &c, &err), &err)) {
            check(c);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    read_config(text);
    for (int code = 0; code < 2; code++) {
        KOC__AUTO(koc_credential) c = NULL;
        koc_error *err = NULL;
        if (fuzz_ok(koc__helper_reply("lab", "r.example", code, text, "test", &c, &err), &err)) {
            check(c);
        }
    }
    return 0;
}
