/* The values of git for templates, with a real git: ko's table of repositories. */
#include "core/common.h"

#include <unistd.h>

#include "core/env.h"
#include "core/io/fs.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "golang/go_env.h"
#include "golang/golang.h"
#include "gotest.h"
#include "test.h"

#undef setenv

/* A repository with one commit of 2023-11-14T22:13:20Z on the branch trunk. */
static void begin(bool repository, bool commit)
{
    KOC__AUTO_STR git = NULL;
    if (koc__proc_find("git", NULL, &git, NULL) != KOC_OK) {
        print_message("skipped: there is no git\n");
        skip();
    }
    assert_int_equal(chdir(koc_test_dir()), 0);
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_CONFIG_SYSTEM", "/dev/null", 1);
    setenv("GIT_CEILING_DIRECTORIES", koc_test_dir(), 1);
    setenv("GIT_AUTHOR_DATE", "1700000000 +0200", 1);
    setenv("GIT_COMMITTER_DATE", "1700000000 +0200", 1);
    static const char *const who[] = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME",
                                      "GIT_COMMITTER_EMAIL"};
    for (size_t i = 0; i < KOC__COUNT(who); i++) {
        setenv(who[i], "someone@example.com", 1);
    }
    gotest_write("work/file", "1\n");
    if (repository) {
        gotest_run("git init -q work");
        gotest_run("git -C work symbolic-ref HEAD refs/heads/trunk");
    }
    if (commit) {
        gotest_run("git -C work add file");
        gotest_run("git -C work commit -q -m one");
    }
}

/* Reads all values of work again. */
static const koc__git *ask(koc__go_env **go_env)
{
    const koc__git *g = NULL;
    koc__go_env_free(*go_env);
    *go_env = NULL;
    assert_int_equal(koc__go_env_new(go_env, NULL), KOC_OK);
    for (int part = KOC__GIT_BRANCH; part <= KOC__GIT_DIRTY; part++) {
        assert_int_equal(koc__go_git(*go_env, "work", part, NULL, &g, NULL), KOC_OK);
    }
    return g;
}

static void expect_nothing(const koc__git *g)
{
    assert_string_equal(g->branch, "");
    assert_string_equal(g->tag, "");
    assert_string_equal(g->short_commit, "");
    assert_string_equal(g->full_commit, "");
    assert_int_equal(g->commit_time, INT64_C(-62135596800));
    assert_false(g->dirty);
}

KOC_TEST(git_outside_of_a_repository)
{
    koc__go_env *go_env = NULL;
    begin(false, false);
    expect_nothing(ask(&go_env));
    koc__go_env_free(go_env);
}

KOC_TEST(git_repository_without_a_commit)
{
    koc__go_env *go_env = NULL;
    begin(true, false);
    expect_nothing(ask(&go_env));
    koc__go_env_free(go_env);
}

/* A repository that cannot be read is not the same as an empty one. */
KOC_TEST(git_that_gives_no_answer_is_an_error)
{
    static const struct {
        const char *command, *words, *hint;
    } table[] = {
        {"chown -R 12345 work", "dubious ownership", "git config --global --add safe.directory "},
        {"rm work/.git/HEAD", "not a git repository", NULL},
        {"cp work/file work/.git/config", "bad config line 1", NULL},
        {"mv work/.git work/.moved ; ln -s nowhere work/.git", NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        if (i == 0 && geteuid() != 0) {
            continue; /* only root gives files away */
        }
        for (int part = KOC__GIT_BRANCH; part <= KOC__GIT_DIRTY; part++) {
            KOC__AUTO(koc_error) err = NULL;
            koc__go_env *go_env = NULL;
            const koc__git *g = NULL;
            begin(true, true);
            gotest_write("command.sh", table[i].command);
            gotest_run("sh command.sh");
            assert_int_equal(koc__go_env_new(&go_env, NULL), KOC_OK);
            assert_int_equal(koc__go_git(go_env, "work", part, NULL, &g, &err), KOC_EPROCESS);
            if (table[i].words) {
                assert_non_null(strstr(koc_error_message(err), table[i].words));
            }
            assert_non_null(strstr(koc_error_message(err), "cannot read the git repository /"));
            if (table[i].hint) {
                assert_memory_equal(koc_error_hint(err), table[i].hint, strlen(table[i].hint));
            }
            koc__go_env_free(go_env);
            assert_int_equal(koc__fs_remove("work", NULL), KOC_OK);
        }
    }
}

KOC_TEST(git_that_is_not_installed_is_an_error_in_a_repository_alone)
{
    KOC__AUTO(koc_error) err = NULL;
    koc__go_env *go_env = NULL;
    const koc__git *g = NULL;
    begin(true, true);
    KOC__AUTO_STR path = koc__strdup(koc__env("PATH"));
    setenv("PATH", "/nope", 1);
    assert_int_equal(koc__go_env_new(&go_env, NULL), KOC_OK);
    assert_int_equal(koc__go_git(go_env, "work", KOC__GIT_TAG, NULL, &g, &err), KOC_EPROCESS);
    assert_non_null(strstr(koc_error_message(err), "there is no git in PATH"));
    assert_string_equal(koc_error_hint(err), "install git");
    assert_int_equal(koc__fs_remove("work/.git", NULL), KOC_OK);
    expect_nothing(ask(&go_env));
    koc__go_env_free(go_env);
    setenv("PATH", path, 1);
}

KOC_TEST(git_runs_no_program_of_the_repository)
{
    koc__go_env *go_env = NULL;
    begin(true, true);
    KOC__AUTO_STR script = koc__format("#!/bin/sh\ntouch %s\n", koc_test_path("ran"));
    gotest_write("monitor", script);
    gotest_run("chmod 755 monitor");
    KOC__AUTO_STR set =
        koc__format("git -C work config core.fsmonitor %s", koc_test_path("monitor"));
    gotest_run(set);
    assert_false(ask(&go_env)->dirty);
    assert_false(koc__fs_exists("ran"));
    koc__go_env_free(go_env);
}

KOC_TEST(git_commit_tags_and_changes)
{
    koc__go_env *go_env = NULL;
    begin(true, true);
    const koc__git *g = ask(&go_env);
    assert_string_equal(g->branch, "trunk");
    assert_string_equal(g->tag, "v0.0.0");
    assert_int_equal(strlen(g->full_commit), 40);
    assert_memory_equal(g->full_commit, g->short_commit, strlen(g->short_commit));
    assert_int_equal(g->commit_time, 1700000000);
    assert_false(g->dirty);

    gotest_run("git -C work tag v1.0.0");
    gotest_write("work/file", "2\n");
    g = ask(&go_env);
    assert_string_equal(g->tag, "v1.0.0");
    assert_true(g->dirty);

    gotest_run("git -C work commit -q -a -m two");
    gotest_run("git -C work tag v1.1.0");
    gotest_write("work/new", "\n"); /* not tracked: dirty */
    g = ask(&go_env);
    assert_string_equal(g->tag, "v1.1.0");
    assert_true(g->dirty);

    gotest_run("git -C work checkout -q --detach HEAD");
    g = ask(&go_env);
    assert_string_equal(g->branch, "HEAD");
    koc__go_env_free(go_env);
}

KOC_TEST(git_is_asked_once_for_each_part_and_dir)
{
    koc__go_env *go_env = NULL;
    const koc__git *g = NULL;
    begin(true, true);
    assert_int_equal(koc__go_env_new(&go_env, NULL), KOC_OK);
    assert_int_equal(koc__go_git(go_env, "work", KOC__GIT_DIRTY, NULL, &g, NULL), KOC_OK);
    assert_false(g->dirty);
    assert_null(g->branch); /* not requested yet */
    gotest_write("work/file", "2\n");
    assert_int_equal(koc__go_git(go_env, "work", KOC__GIT_DIRTY, NULL, &g, NULL), KOC_OK);
    assert_false(g->dirty); /* as it was at the start of the run */
    koc__go_env_free(go_env);
}

/* --- for bills of materials --- */

KOC_TEST(git_url_has_no_secret_and_one_spelling)
{
    static const char *const table[][2] = {
        {"https://github.com/acme/x.git", "https://github.com/acme/x.git"},
        {"https://GitHub.com/acme/X/", "https://github.com/acme/X"},
        {"https://user:secret@h.com/x?token=s#f", "https://h.com/x"},
        {"https://user@h.com:8443/x", "https://h.com:8443/x"},
        {"http://h.com//x", "http://h.com/x"},
        {"git://h.com/x", "git://h.com/x"},
        {"git+https://h.com/x", "https://h.com/x"},
        {"ssh://git@h.com/x", "ssh://git@h.com/x"},
        {"ssh://git:secret@h.com/x", "ssh://git@h.com/x"},
        {"ssh://jane@h.com:29418/x", "ssh://h.com:29418/x"},
        {"git@h.com:acme/x.git", "ssh://git@h.com/acme/x.git"},
        {"jane@h.com:x", "ssh://h.com/x"},
        {"h.com:x", "ssh://h.com/x"},
        {"/srv/x.git", NULL},
        {"./a:b", NULL},
        {"C:/x", NULL},
        {"file:///srv/x", NULL},
        {"ext::sh -c x", NULL},
        {"ext::sh", NULL},
        {"https://h.com", NULL},
        {"https://h.com/", NULL},
        {"https:///x", NULL},
        {"https://h.com/\"x", NULL},
        {"https://h.com/x\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        KOC__AUTO_STR got = koc__git_public_url(table[i][0]);
        if (!koc__streq(got, table[i][1])) {
            fail_msg("%s: %s", table[i][0], got ? got : "(none)");
        }
    }
}

KOC_TEST(git_has_published_what_a_tracking_branch_contains)
{
    begin(true, true);
    KOC__AUTO_STR before = NULL;
    KOC__AUTO_STR url = NULL;
    KOC__AUTO_STR wrong = NULL;
    assert_int_equal(koc__git_published("work", "HEAD", NULL, &before, NULL), KOC_OK);
    assert_null(before);
    gotest_run("git -C work remote add other https://o.com/x");
    gotest_run("git -C work remote add origin https://h.com/x");
    gotest_run("git -C work update-ref refs/remotes/other/main HEAD");
    gotest_run("git -C work update-ref refs/remotes/origin/main HEAD");
    assert_int_equal(koc__git_published("work", "HEAD", NULL, &url, NULL), KOC_OK);
    assert_string_equal(url, "https://h.com/x");
    assert_int_equal(koc__git_published("work", "0123456", NULL, &wrong, NULL), KOC_OK);
    assert_int_equal(koc__git_published("/", "HEAD", NULL, &wrong, NULL), KOC_OK);
    assert_null(wrong);
}
