/* The walk over kodata: order, links and their boundary, and what cannot be packed. */
#include "core/common.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/str.h"
#include "golang/kodata.h"
#include "test.h"

#define ROOT_VARIABLE "KO_DATA_PATH_ALLOWED_ROOT"

static void dir(const char *name)
{
    assert_int_equal(koc__fs_mkdirs(koc_test_path(name), 0755, NULL), KOC_OK);
}

static void file(const char *name)
{
    koc_test_write(name, "x\n", 2);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, koc_test_path(name)), 0);
}

static int walk(const char *package, bool windows, koc_ctx *ctx, koc__kodata **out, koc_error **err)
{
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s", koc_test_path(package));
    return koc__kodata_walk(ctx, dir, windows, NULL, out, err);
}

/* The names in order, directories with a slash. */
static void check_names(const koc__kodata *k, const char *want)
{
    char got[4096] = "";
    size_t n = 0;
    for (size_t i = 0; i < k->count; i++) {
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s ", k->entries[i].name,
                              koc__kodata_is_dir(&k->entries[i]) ? "/" : "");
    }
    assert_string_equal(got, want);
}

static void check_refused(const char *package, int code, const char *part)
{
    KOC__AUTO(koc__kodata) k = NULL;
    KOC__AUTO(koc_error) err = NULL;
    assert_int_equal(walk(package, false, NULL, &k, &err), code);
    assert_null(k);
    if (!strstr(koc_error_message(err), part)) {
        fail_msg("\"%s\" lacks \"%s\"", koc_error_message(err), part);
    }
}

KOC_TEST(kodata_may_be_missing_or_empty)
{
    KOC__AUTO(koc__kodata) none = NULL;
    KOC__AUTO(koc__kodata) empty = NULL;
    dir("p");
    assert_int_equal(walk("p", false, NULL, &none, NULL), KOC_OK);
    assert_null(none->root);
    assert_int_equal(none->count, 0);
    dir("p/kodata");
    assert_int_equal(walk("p", false, NULL, &empty, NULL), KOC_OK);
    assert_non_null(empty->root);
    assert_int_equal(empty->count, 0);
}

KOC_TEST(kodata_is_walked_in_byte_order_through_links)
{
    KOC__AUTO(koc__kodata) k = NULL;
    dir("p/kodata/a");
    dir("p/kodata/.git");
    dir("p/kodata/empty");
    file("p/kodata/B");
    file("p/kodata/Z");
    file("p/kodata/a-b");
    file("p/kodata/a.b");
    file("p/kodata/a/x");
    link_to("a/x", "p/kodata/link");
    link_to("a", "p/kodata/linkdir");
    assert_int_equal(walk("p", false, NULL, &k, NULL), KOC_OK);
    check_names(k, ".git/ B Z a/ a/x a-b a.b empty/ link linkdir/ linkdir/x ");
    for (size_t i = 0; i < k->count; i++) {
        assert_false(S_ISLNK((mode_t)k->entries[i].stamp.mode));
    }
}

static void count_warnings(int32_t level, const char *component, const char *message, void *payload)
{
    if (level == KOC_LOG_WARN && strcmp(component, "golang") == 0 &&
        strstr(message, "kodata link")) {
        (*(int *)payload)++;
    }
}

KOC_TEST(kodata_links_are_left_out_for_windows)
{
    KOC__AUTO(koc__kodata) k = NULL;
    KOC__AUTO(koc_ctx) ctx = NULL;
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    int warnings = 0;
    o.log = count_warnings;
    o.log_payload = &warnings;
    o.log_level = KOC_LOG_WARN;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    dir("p/kodata/sub");
    file("p/kodata/a");
    link_to("a", "p/kodata/one");
    link_to("sub", "p/kodata/two");
    link_to("nowhere", "p/kodata/three");
    assert_int_equal(walk("p", true, ctx, &k, NULL), KOC_OK);
    check_names(k, "a sub/ ");
    assert_int_equal(warnings, 3);
}

KOC_TEST(kodata_broken_and_looping_links_are_named)
{
    dir("p/kodata");
    link_to("nowhere", "p/kodata/broken");
    check_refused("p", KOC_ENOTFOUND, "p/kodata/broken");
    unlink(koc_test_path("p/kodata/broken"));
    link_to("self", "p/kodata/self");
    check_refused("p", KOC_EIO, "p/kodata/self");
    unlink(koc_test_path("p/kodata/self"));
    dir("p/kodata/deep/er");
    link_to("../..", "p/kodata/deep/er/up");
    check_refused("p", KOC_EINVAL, "p/kodata/deep/er/up");
    unlink(koc_test_path("p/kodata/deep/er/up"));
    link_to(".", "p/kodata/deep/here");
    check_refused("p", KOC_EINVAL, "p/kodata/deep/here");
}

static void git_dir(const char *name)
{
    char path[4096];
    static const char *const files[] = {"HEAD", "config", "packed-refs", "refs/heads/main",
                                        "logs/HEAD"};
    static const char *const dirs[] = {"objects", "refs/heads", "logs", "hooks"};
    for (size_t i = 0; i < KOC__COUNT(dirs); i++) {
        snprintf(path, sizeof(path), "%s/%s", name, dirs[i]);
        dir(path);
    }
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", name, files[i]);
        file(path);
    }
}

KOC_TEST(kodata_links_to_git_files_in_a_work_tree_or_submodule)
{
    KOC__AUTO(koc__kodata) k = NULL;
    git_dir("main/.git");
    dir("main/.git/worktrees/w/logs");
    file("main/.git/worktrees/w/HEAD");
    file("main/.git/worktrees/w/logs/HEAD");
    koc_test_write("main/.git/worktrees/w/commondir", "../..\n", 6);
    dir("w/cmd/app/kodata");
    KOC__AUTO_STR text = koc__format("gitdir: %s\n", koc_test_path("main/.git/worktrees/w"));
    koc_test_write("w/.git", text, strlen(text));
    link_to("../../../.git/HEAD", "w/cmd/app/kodata/HEAD");
    link_to("../../../.git/refs", "w/cmd/app/kodata/refs");
    link_to("../../../.git/logs/HEAD", "w/cmd/app/kodata/log");
    link_to("../../../.git/packed-refs", "w/cmd/app/kodata/packed-refs");
    assert_int_equal(walk("w/cmd/app", false, NULL, &k, NULL), KOC_OK);
    check_names(k, "HEAD log packed-refs refs/ refs/heads/ refs/heads/main ");
    assert_true(koc__str_ends(koc__str(k->entries[0].source), "main/.git/worktrees/w/HEAD"));
    assert_true(koc__str_ends(koc__str(k->entries[2].source), "main/.git/packed-refs"));
    link_to("../../../.git/config", "w/cmd/app/kodata/conf");
    check_refused("w/cmd/app", KOC_EINVAL, "is .git/config, which does not belong into an image");

    KOC__AUTO(koc__kodata) sub = NULL;
    git_dir("main/.git/modules/sub");
    dir("main/sub/kodata");
    static const char relative[] = "gitdir: ../.git/modules/sub\n";
    koc_test_write("main/sub/.git", relative, strlen(relative));
    link_to("../.git/HEAD", "main/sub/kodata/HEAD");
    assert_int_equal(walk("main/sub", false, NULL, &sub, NULL), KOC_OK);
    check_names(sub, "HEAD ");
    link_to("../.git/nope", "main/sub/kodata/nope");
    check_refused("main/sub", KOC_ENOTFOUND, "modules/sub/nope");
}

KOC_TEST(kodata_does_not_pack_gits_settings_and_hooks)
{
    static const struct {
        const char *target, *words;
    } table[] = {
        {"../../.git", "kodata/link/config is .git/config, which"},
        {"../../.git/config", "kodata/link is .git/config, which"},
        {"../../.git/hooks", "kodata/link/pre-push is .git/hooks/pre-push, which"},
        {"../../.git/hooks/pre-push", "is .git/hooks/pre-push, which"},
        {"../../alias", "is .git/config, which"},
        {"../../.git/modules", "kodata/link/sub/config is .git/config, which"},
    };
    git_dir("repo/.git");
    git_dir("repo/.git/modules/sub");
    file("repo/.git/hooks/pre-push");
    link_to(".git/config", "repo/alias");
    dir("repo/p/kodata");
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        link_to(table[i].target, "repo/p/kodata/link");
        check_refused("repo/p", KOC_EINVAL, table[i].words);
        unlink(koc_test_path("repo/p/kodata/link"));
    }
    static const char *const fine[] = {"HEAD", "refs", "logs", "packed-refs", "objects"};
    for (size_t i = 0; i < KOC__COUNT(fine); i++) {
        KOC__AUTO(koc__kodata) k = NULL;
        KOC__AUTO_STR target = koc__format("../../.git/%s", fine[i]);
        link_to(target, "repo/p/kodata/link");
        assert_int_equal(walk("repo/p", false, NULL, &k, NULL), KOC_OK);
        assert_true(k->count > 0);
        unlink(koc_test_path("repo/p/kodata/link"));
    }
    link_to("../.git", "repo/q"); /* kodata that is such a link itself */
    dir("repo/r");
    link_to("../.git", "repo/r/kodata");
    check_refused("repo/r", KOC_EINVAL, ".git/config is .git/config, which");
}

static void count_secrets(int32_t level, const char *component, const char *message, void *payload)
{
    (void)component;
    *(int *)payload += level == KOC_LOG_WARN && strstr(message, "looks like credentials");
}

KOC_TEST(kodata_warns_of_what_looks_like_credentials)
{
    KOC__AUTO(koc__kodata) k = NULL;
    KOC__AUTO(koc_ctx) ctx = NULL;
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    int warnings = 0;
    o.log = count_secrets;
    o.log_payload = &warnings;
    o.log_level = KOC_LOG_WARN;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    dir("p/kodata/.docker");
    file("p/kodata/.docker/config.json");
    file("p/kodata/.netrc");
    file("p/kodata/key");
    file("p/kodata/config");
    file("p/kodata/id_rsa");
    link_to("key", "p/kodata/id_dsa");
    assert_int_equal(walk("p", false, ctx, &k, NULL), KOC_OK);
    assert_int_equal(warnings, 4);
}

KOC_TEST(kodata_links_keep_to_the_boundary)
{
    KOC__AUTO(koc__kodata) git = NULL;
    dir("repo/p/kodata");
    file("repo/LICENSE");
    file("outside");
    link_to("../../LICENSE", "repo/p/kodata/LICENSE");
    check_refused("repo/p", KOC_EINVAL, "outside of");
    file("repo/.git"); /* a work tree's .git is a file */
    assert_int_equal(walk("repo/p", false, NULL, &git, NULL), KOC_OK);
    check_names(git, "LICENSE ");
    link_to("../../../outside", "repo/p/kodata/out");
    check_refused("repo/p", KOC_EINVAL, "repo/p/kodata/out");
    unlink(koc_test_path("repo/p/kodata/out"));
    dir("away");
    link_to("../../../away", "repo/p/kodata/out");
    check_refused("repo/p", KOC_EINVAL, "repo/p/kodata/out");
}

KOC_TEST(kodata_boundary_is_whole_components)
{
    dir("p/kodata");
    dir("p/kodata2");
    file("p/kodata2/x");
    link_to("../kodata2/x", "p/kodata/x");
    check_refused("p", KOC_EINVAL, "p/kodata/x");
}

/* putenv keeps the pointer. */
static char variable[8192];

static void set_root(const char *path)
{
    snprintf(variable, sizeof(variable), ROOT_VARIABLE "=%s", path);
    putenv(variable);
}

KOC_TEST(kodata_boundary_can_be_given)
{
    KOC__AUTO(koc__kodata) wide = NULL;
    dir("top/p/kodata");
    dir("elsewhere");
    file("top/x");
    link_to("../../x", "top/p/kodata/x");
    set_root(koc_test_path("elsewhere")); /* not above kodata, so it is ignored */
    check_refused("top/p", KOC_EINVAL, "outside of");
    file("elsewhere/secret"); /* also where a link leads there */
    link_to("../../../elsewhere/secret", "top/p/kodata/a");
    check_refused("top/p", KOC_EINVAL, "top/p/kodata/a");
    unlink(koc_test_path("top/p/kodata/a"));
    set_root(koc_test_path("nothing"));
    check_refused("top/p", KOC_ENOTFOUND, ROOT_VARIABLE);
    set_root(koc_test_path("top"));
    int rc = walk("top/p", false, NULL, &wide, NULL);
    unsetenv(ROOT_VARIABLE);
    assert_int_equal(rc, KOC_OK);
    check_names(wide, "x ");
}

KOC_TEST(kodata_itself_may_be_a_link_inside_the_boundary)
{
    KOC__AUTO(koc__kodata) k = NULL;
    dir("repo/p");
    dir("repo/.git");
    dir("repo/assets");
    file("repo/assets/x");
    file("repo/plain");
    dir("away");
    link_to("../assets", "repo/p/kodata");
    assert_int_equal(walk("repo/p", false, NULL, &k, NULL), KOC_OK);
    check_names(k, "x ");
    unlink(koc_test_path("repo/p/kodata"));
    link_to("../../away", "repo/p/kodata");
    check_refused("repo/p", KOC_EINVAL, "outside of");
    unlink(koc_test_path("repo/p/kodata"));
    link_to("../plain", "repo/p/kodata");
    check_refused("repo/p", KOC_EINVAL, "not a directory");
    unlink(koc_test_path("repo/p/kodata"));
    link_to("gone", "repo/p/kodata");
    check_refused("repo/p", KOC_EINVAL, "leads nowhere");
    unlink(koc_test_path("repo/p/kodata"));
    file("repo/p/kodata");
    check_refused("repo/p", KOC_EINVAL, "not a directory");
}

KOC_TEST(kodata_holds_no_pipes_and_sockets)
{
    dir("p/kodata");
    assert_int_equal(mkfifo(koc_test_path("p/kodata/pipe"), 0600), 0);
    check_refused("p", KOC_EUNSUPPORTED, "p/kodata/pipe");
    unlink(koc_test_path("p/kodata/pipe"));
    mkfifo(koc_test_path("pipe"), 0600);
    dir(".git");
    link_to("../../pipe", "p/kodata/link");
    check_refused("p", KOC_EUNSUPPORTED, "p/kodata/link");
    unlink(koc_test_path("p/kodata/link"));

    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", koc_test_path("p/kodata/s"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
        check_refused("p", KOC_EUNSUPPORTED, "p/kodata/s");
    }
    close(fd);
}

KOC_TEST(kodata_that_cannot_be_read_is_named)
{
    dir("p/kodata/closed");
    if (geteuid() == 0) {
        print_message("skipped: nothing is closed to root\n");
        skip();
    }
    assert_int_equal(chmod(koc_test_path("p/kodata/closed"), 0), 0);
    check_refused("p", KOC_EIO, "p/kodata/closed");
}

KOC_TEST(kodata_survives_lack_of_memory)
{
    int rc = KOC_ENOMEM;
    dir("p/kodata/sub");
    file("p/kodata/sub/x");
    link_to("sub/x", "p/kodata/y");
    for (uint64_t n = 1; n < 500 && rc != KOC_OK; n++) {
        KOC__AUTO(koc__kodata) k = NULL;
        koc__alloc_fail_after(n);
        rc = walk("p", false, NULL, &k, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || k == NULL);
    }
    assert_int_equal(rc, KOC_OK);
}
