#include "core/common.h"

#include "auth/auth.h"
#include "cloud/cloud_aws.h"
#include "cloud/cloud_request.h"
#include "core/str.h"
#include "test.h"

#undef setenv

KOC_TEST(machine_is_told_by_its_firmware)
{
    koc_test_write("sys_vendor", "QEMU\n", 5);
    assert_int_equal(koc__machine_of(koc_test_dir()), KOC__MACHINE_OTHER);
    koc_test_write("sys_vendor", "Microsoft Corporation\n", 22);
    assert_int_equal(koc__machine_of(koc_test_dir()), KOC__MACHINE_OTHER);
    koc_test_write("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n", 33);
    assert_int_equal(koc__machine_of(koc_test_dir()), KOC__MACHINE_AZURE);
    koc_test_write("product_name", "Google Compute Engine\n", 22);
    assert_int_equal(koc__machine_of(koc_test_dir()), KOC__MACHINE_GOOGLE);
    koc_test_write("sys_vendor", "Amazon EC2\n", 11);
    assert_int_equal(koc__machine_of(koc_test_dir()), KOC__MACHINE_AMAZON);
    assert_int_equal(koc__machine_of("/no/such/folder"), KOC__MACHINE_OTHER);
}

KOC_TEST(aws_regions_are_words)
{
    assert_true(koc__aws_is_region("eu-west-1"));
    assert_false(koc__aws_is_region(""));
    assert_false(koc__aws_is_region("evil.example/"));
    assert_false(koc__aws_is_region("a@b"));
    assert_false(koc__aws_is_region("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"));
}

/* Plain http to a stranger, and URLs that are none. */
KOC_TEST(cloud_questions_that_are_not_asked)
{
    static const char *const bad[] = {"http://r.example/token", "ftp://r.example/", "",
                                      "https://u:p@r.example/"};

    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(1024);
        koc__cloud_query q = {.url = bad[i]};
        int rc = koc__cloud_send(&q, NULL, &body, NULL);
        assert_int_equal(rc, i == 0 ? KOC_EDENIED : KOC_EINVAL);
    }
}

/* Plain http would show the keys to the network; only an agent of this machine may speak it. */
KOC_TEST(a_containers_agent_is_local_or_https)
{
    static const char *const refused[] = {"http://example.com/keys", "http://10.0.0.1/keys",
                                          "http://169.254.170.200/keys", "ftp://127.0.0.1/keys",
                                          "127.0.0.1/keys"};
    koc_ctx *ctx = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, ctx, NULL, NULL), KOC_OK);
    static const char *const unset[] = {"AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_PROFILE",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"};
    for (size_t i = 0; i < KOC__COUNT(unset); i++) {
        unsetenv(unset[i]);
    }
    setenv("AWS_CONFIG_FILE", koc_test_path("none"), 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", koc_test_path("none"), 1);
    for (size_t i = 0; i < KOC__COUNT(refused); i++) {
        KOC__AUTO_VAL(koc__aws_keys) keys = KOC__AWS_KEYS_INIT;
        koc__aws_place place = {0};
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", refused[i], 1);
        assert_int_equal(koc__aws_keys_find(place, &call, &keys, NULL), KOC_EDENIED);
        assert_null(keys.access);
    }
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    koc_ctx_unref(ctx);
}

KOC_TEST(cloud_out_of_memory_leaves_nothing)
{
    static const char sts[] =
        "<r><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>"
        "<SessionToken>c</SessionToken></Credentials></r>";

    for (uint64_t n = 1; n < 6; n++) {
        KOC__AUTO_VAL(koc__aws_keys) keys = KOC__AWS_KEYS_INIT;
        KOC__AUTO_VAL(koc_buf) name = KOC_BUF_INIT;
        koc__alloc_fail_after(n);
        int keys_rc = koc__aws_sts_reply(koc__str(sts), &keys, NULL);
        koc__alloc_fail_after(n);
        int name_rc = koc_auth_registry("r.example", &name, NULL);
        koc__alloc_fail_after(0);
        assert_true(keys_rc == KOC_OK || (keys_rc == KOC_ENOMEM && !keys.access));
        assert_true(name_rc == KOC_OK || (name_rc == KOC_ENOMEM && name.len == 0));
    }
}
