/* Options of koc_publish that are refused before anything is built. */
#include "core/common.h"

#include <koc/ext/publish.h>
#include <koc/layer.h>

#include "core/run/context.h"
#include "test.h"

KOC_TEST(compression_is_checked_before_the_compile)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    koc_published *p = NULL;
    koc_error *err = NULL;
    o.repository = "registry.example.com/apps";
    o.level = 77;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    assert_int_equal(koc_publish(ctx, &o, NULL, &p, NULL), KOC_EINVAL);
    assert_int_equal(koc_publish(ctx, &o, NULL, &p, &err), KOC_EINVAL);
    assert_string_equal(koc_error_message(err), "gzip level 77: levels are 1 to 12");
    assert_string_equal(koc_error_option(err), "compression");
    koc_error_free(err);
    err = NULL;
    o.compression = 9;
    assert_int_equal(koc_publish(ctx, &o, NULL, &p, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "KOC_COMPRESS_"));
    koc_error_free(err);
    assert_null(p);
}
