/* Which names stand for this machine, and which only look like it. */
#include "core/common.h"

#include "daemon/daemon.h"
#include "test.h"

static void chosen(const char *into, const char *repository, koc__local_kind want, const char *rest)
{
    koc__local_kind kind = KOC__LOCAL_NONE;
    const char *got = NULL;
    assert_int_equal(koc__local_choose(into, repository, &kind, &got, NULL), KOC_OK);
    assert_int_equal(kind, want);
    assert_true(koc__streq(got, rest));
}

KOC_TEST(local_is_the_whole_first_component)
{
    chosen(NULL, "ko.local", KOC__LOCAL_DOCKER, NULL);
    chosen(NULL, "ko.local/team/x", KOC__LOCAL_DOCKER, NULL);
    chosen(NULL, "ko.localhost:5000/x", KOC__LOCAL_NONE, NULL);
    chosen(NULL, "kind.local", KOC__LOCAL_KIND, NULL);
    chosen(NULL, "kind.localdomain/x", KOC__LOCAL_NONE, NULL);
    chosen(NULL, "k3d.local/x", KOC__LOCAL_K3D, NULL);
    chosen(NULL, "minikube.local", KOC__LOCAL_MINIKUBE, NULL);
    chosen(NULL, "containerd.local/x", KOC__LOCAL_CONTAINERD, NULL);
    chosen(NULL, "registry.example/ko.local", KOC__LOCAL_NONE, NULL);
    chosen(NULL, "", KOC__LOCAL_NONE, NULL);
}

KOC_TEST(local_by_flag_goes_before_the_repository)
{
    chosen("docker", "registry.example/x", KOC__LOCAL_DOCKER, NULL);
    chosen("kind", "ko.local", KOC__LOCAL_KIND, NULL);
    chosen("kind:staging", "", KOC__LOCAL_KIND, "staging");
    chosen("kind:", "", KOC__LOCAL_KIND, NULL);
    chosen("containerd:/run/x.sock", "", KOC__LOCAL_CONTAINERD, "/run/x.sock");
}

KOC_TEST(local_refuses_other_words)
{
    static const char *const wrong[] = {"", "kin", "kindly", "docker:x", ":x", "KIND", NULL};
    for (size_t i = 0; wrong[i]; i++) {
        koc__local_kind kind = KOC__LOCAL_NONE;
        const char *rest = NULL;
        koc_error *err = NULL;
        assert_int_equal(koc__local_choose(wrong[i], "", &kind, &rest, &err), KOC_EINVAL);
        assert_string_equal(koc_error_option(err), "into");
        koc_error_free(err);
    }
}
