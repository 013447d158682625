#include "core/common.h"

#include "auth/auth.h"
#include "cloud/cloud_aws.h"
#include "cloud/cloud_request.h"
#include "core/str.h"
#include "test.h"

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

KOC_TEST(credential_that_runs_out)
{
    KOC__AUTO(koc_credential) c = NULL;
    assert_int_equal(koc_credential_new(KOC_CRED_BASIC, "u", "s", &c, NULL), KOC_OK);
    assert_false(koc__credential_expired(NULL) || koc__credential_expired(c));
    koc__credential_lasts(c, 60000);
    assert_false(koc__credential_expired(c));
    koc__credential_lasts(c, -1);
    assert_true(koc__credential_expired(c));
    KOC__AUTO(koc_credential) copy = koc__credential_dup(c);
    assert_true(koc__credential_expired(copy));
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
