/* A daemon that is not there: getters take NULL, as all functions of the library do. */
#include "core/common.h"

#include <koc/ext/daemon.h>

#include "test.h"

KOC_TEST(daemon_getters_take_null)
{
    assert_null(koc_daemon_address(NULL));
    assert_null(koc_daemon_source(NULL));
    assert_null(koc_daemon_engine(NULL));
    assert_null(koc_daemon_version(NULL));
    assert_null(koc_daemon_platform(NULL));
    koc_daemon_free(NULL);
}
