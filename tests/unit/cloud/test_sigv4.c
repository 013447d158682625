#include "core/common.h"

#include "cloud/sigv4.h"
#include "core/hash/crypto.h"
#include "core/str.h"
#include "test.h"

static koc__sigv4 example(const koc__headers *h)
{
    return (koc__sigv4){.access_key = "AKIDEXAMPLE",
                        .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                        .region = "us-east-1",
                        .service = "service",
                        .time = "20150830T123600Z",
                        .method = "GET",
                        .path = "/",
                        .query = "",
                        .headers = h,
                        .body = {"", 0}};
}

/* Amazon's own test suite: get-vanilla and post-vanilla. */
KOC_TEST(sigv4_gives_amazons_signatures_R47)
{
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    KOC__AUTO_STR get = NULL;
    KOC__AUTO_STR post = NULL;
    assert_int_equal(koc__crypto_init(NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h, "host", "example.amazonaws.com", NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h, "x-amz-date", "20150830T123600Z", NULL), KOC_OK);
    koc__sigv4 in = example(&h);
    assert_int_equal(koc__sigv4_sign(&in, &get, NULL), KOC_OK);
    assert_string_equal(
        get, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
             "SignedHeaders=host;x-amz-date, "
             "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    in.method = "POST";
    assert_int_equal(koc__sigv4_sign(&in, &post, NULL), KOC_OK);
    assert_non_null(
        strstr(post, "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}
