/* What is reset after a fork is reset by one thread, and the others wait for it. */
#include "core/common.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "core/io/fs.h"
#include "core/run/fork.h"
#include "test.h"

enum { USERS = 8 };

static koc__fork_mark mark;
static atomic_int resets, in_use, too_early;

static void *use_object(void *arg)
{
    (void)arg;
    atomic_fetch_add(&in_use, 1);
    if (koc__fork_happened(&mark)) {
        while (atomic_load(&in_use) < USERS) { /* all of them are here, or on their way */
        }
        atomic_fetch_add(&resets, 1);
        koc__fork_done(&mark);
    } else if (atomic_load(&resets) == 0) {
        atomic_fetch_add(&too_early, 1);
    }
    return NULL;
}

/* exit, not _exit: what the child runs is counted by ./dev coverage. The answer does not depend on what else is
 * checked at an exit. */
static void in_the_child(int answer)
{
    pthread_t users[USERS];
    alarm(20);
    for (size_t i = 0; i < USERS; i++) {
        if (pthread_create(&users[i], NULL, use_object, NULL) != 0) {
            exit(2);
        }
    }
    for (size_t i = 0; i < USERS; i++) {
        pthread_join(users[i], NULL);
    }
    if (atomic_load(&resets) == 1 && atomic_load(&too_early) == 0 && !koc__fork_happened(&mark)) {
        koc__fs_write_fd(answer, "y", 1, "answer", NULL);
    }
    exit(0);
}

KOC_TEST(a_fork_is_noticed_by_one_thread_and_the_others_wait)
{
    int ends[2];
    char answer[2];
    koc__fork_init(&mark);
    assert_false(koc__fork_happened(&mark));
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        in_the_child(ends[1]);
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(read(ends[0], answer, sizeof(answer)), 1);
    close(ends[0]);
    assert_false(koc__fork_happened(&mark));
}
