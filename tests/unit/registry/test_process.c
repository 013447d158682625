/* What the client does to the process that it runs in: signals and forks. */
#include "core/common.h"

#include <koc/koc.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "test.h"

/* A server that answers each connection once and closes it early. */
typedef struct server {
    int fd;
    char repository[64];
    pthread_t thread;
} server;

static void *serve(void *arg)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"tags\":[]}";
    server *s = arg;
    char request[2048];
    int c;

    while ((c = accept(s->fd, NULL, NULL)) >= 0) {
        if (recv(c, request, sizeof(request), 0) > 0) {
            (void)send(c, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
        }
        close(c);
    }
    return NULL;
}

static void server_start(server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->fd, 64), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(s->repository, sizeof(s->repository), "127.0.0.1:%d/x", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static int list_tags(koc_client *client, const char *repository)
{
    koc_reference *r = NULL;
    koc_strlist *tags = NULL;
    int rc = koc_reference_parse(repository, 0, &r, NULL);
    rc = rc ? rc : koc_client_list_tags(client, r, NULL, &tags, NULL);
    koc_strlist_free(tags);
    koc_reference_unref(r);
    return rc;
}

static void on_pipe(int number KOC__UNUSED)
{
}

static atomic_bool watched;
static atomic_int touched;

/* In the place of the C library's, for libcurl too: a look at the disposition now and then would miss most. */
__attribute__((visibility("default"))) int sigaction(int number, const struct sigaction *action,
                                                     struct sigaction *old)
{
    static int (*real)(int, const struct sigaction *, struct sigaction *);

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "sigaction");
    }
    if (number == SIGPIPE && action && atomic_load(&watched)) {
        atomic_fetch_add(&touched, 1);
    }
    return real(number, action, old);
}

static void *make_and_drop_clients(void *arg)
{
    koc_ctx *ctx = NULL;
    if (koc_ctx_new(NULL, &ctx, NULL) != KOC_OK) {
        return NULL;
    }
    for (int i = 0; i < 60; i++) {
        koc_client *client = NULL;
        if (koc_client_new(ctx, NULL, &client, NULL) == KOC_OK) {
            (void)list_tags(client, arg);
        }
        koc_client_unref(client);
    }
    koc_ctx_unref(ctx);
    return NULL;
}

KOC_TEST(clients_leave_sigpipe_as_the_program_set_it)
{
    struct sigaction mine = {.sa_handler = on_pipe};
    struct sigaction before, after;
    pthread_t workers[4];
    server s;
    server_start(&s);
    sigaction(SIGPIPE, &mine, &before);
    atomic_store(&watched, true);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&workers[i], NULL, make_and_drop_clients, s.repository), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i], NULL);
    }
    atomic_store(&watched, false);
    sigaction(SIGPIPE, &before, &after);
    assert_ptr_equal(after.sa_handler, on_pipe);
    assert_int_equal(atomic_load(&touched), 0);
    server_stop(&s);
}

static int in_a_child(koc_ctx *ctx, koc_client *client, const char *repository)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        koc_ctx *other = NULL;
        koc_client *fresh = NULL;
        alarm(30);
        int rc = list_tags(client, repository);
        rc = rc ? rc : koc_ctx_new(NULL, &other, NULL);
        rc = rc ? rc : koc_client_new(other, NULL, &fresh, NULL);
        rc = rc ? rc : list_tags(fresh, repository);
        koc_client_unref(fresh);
        koc_ctx_unref(other);
        koc_client_unref(client);
        koc_ctx_unref(ctx);
        _exit(rc ? 1 : 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

KOC_TEST(a_forked_child_uses_its_parents_client_or_its_own)
{
    koc_ctx *ctx = NULL;
    koc_client *client = NULL;
    server s;
    server_start(&s);
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    assert_int_equal(koc_client_new(ctx, NULL, &client, NULL), KOC_OK);
    assert_int_equal(list_tags(client, s.repository), KOC_OK);
    assert_int_equal(in_a_child(ctx, client, s.repository), 0);
    assert_int_equal(list_tags(client, s.repository), KOC_OK);
    koc_client_unref(client);
    koc_ctx_unref(ctx);
    server_stop(&s);
}
