#define _GNU_SOURCE

#include "scripted.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define RULES_MAX       32
#define REQUESTS_MAX    4096
#define CONNECTIONS_MAX 1024
#define HEAD_MAX        ((size_t)128 << 10)

struct scripted {
    int fd;
    char host[64];
    pthread_t listener;
    pthread_mutex_t mutex; /* guards all below */
    scripted_rule rules[RULES_MAX];
    int used[RULES_MAX];
    scripted_request *requests[REQUESTS_MAX];
    size_t n_requests;
    int clients[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    size_t n_clients;
    bool over;
    pthread_cond_t ended;
};

/* One connection. */
typedef struct peer {
    scripted *server;
    int fd;
    int number;
    char *data; /* read and not used */
    size_t len;
} peer;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool receive(peer *p)
{
    ssize_t n = recv(p->fd, p->data + p->len, HEAD_MAX - p->len, 0);
    p->len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool send_all(const peer *p, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(p->fd, data, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/*
 * Sends a copy: the test may free its text as soon as the answer has arrived, and ThreadSanitizer takes the bytes
 * for read only after send() has returned.
 */
static bool send_body(const peer *p, const char *data, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, data, len);
    bool sent = send_all(p, copy, len);
    free(copy);
    return sent;
}

static void drop(peer *p, size_t n)
{
    p->len -= n;
    memmove(p->data, p->data + n, p->len);
}

/* "" without the field. */
static void copy_field(const scripted_request *r, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    out[0] = '\0';
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            const char *value = line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
            return;
        }
    }
}

const char *scripted_field(const scripted_request *r, const char *name)
{
    static char values[8][2048];
    static unsigned turn;
    char *out = values[turn++ % 8];
    copy_field(r, name, out, sizeof(values[0]));
    return out;
}

/* The first rule for a request; NULL: there is none. */
static const scripted_rule *choose(scripted *s, const scripted_request *r, scripted_rule *copy)
{
    const scripted_rule *found = NULL;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < RULES_MAX && !found; i++) {
        const scripted_rule *rule = &s->rules[i];
        if (!rule->method && !rule->path && !rule->status && !rule->body) {
            break;
        }
        if ((!rule->method || strcmp(rule->method, r->method) == 0) &&
            (!rule->path || strstr(r->target, rule->path)) &&
            (!rule->needs || strstr(r->head, rule->needs)) &&
            (!rule->lacks || !strstr(r->head, rule->lacks)) &&
            (rule->times == 0 || s->used[i] < rule->times)) {
            s->used[i]++;
            *copy = *rule;
            found = copy;
        }
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}

static void record(scripted *s, scripted_request *r)
{
    pthread_mutex_lock(&s->mutex);
    if (s->n_requests < REQUESTS_MAX) {
        s->requests[s->n_requests++] = r;
    } else {
        abort();
    }
    pthread_mutex_unlock(&s->mutex);
}

/* Reads a head into a new request; NULL: the connection is over. */
static scripted_request *read_request(peer *p)
{
    char *end;
    while (!(end = memmem(p->data, p->len, "\r\n\r\n", 4))) {
        if (p->len >= HEAD_MAX || !receive(p) || p->data[0] == 0x16) {
            return NULL;
        }
    }
    size_t len = (size_t)(end - p->data) + 4;
    scripted_request *r = calloc(1, sizeof(*r));
    r->head = strndup(p->data, len);
    r->body = calloc(1, 1);
    r->connection = p->number;
    r->at_ms = now_ms();
    sscanf(r->head, "%15s %1023s", r->method, r->target);
    drop(p, len);
    return r;
}

/* False: the connection broke, or the rule breaks it. */
static bool read_body(peer *p, scripted_request *r, size_t takes)
{
    char value[64];
    copy_field(r, "Content-Length", value, sizeof(value));
    size_t left = strtoul(value, NULL, 10);
    copy_field(r, "Expect", value, sizeof(value));
    if (value[0]) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        send_all(p, go_on, sizeof(go_on) - 1);
    }
    while (left > 0) {
        if (p->len == 0 && !receive(p)) {
            return false;
        }
        size_t n = left < p->len ? left : p->len;
        r->body = realloc(r->body, r->body_len + n + 1);
        memcpy(r->body + r->body_len, p->data, n);
        r->body_len += n;
        r->body[r->body_len] = '\0';
        left -= n;
        drop(p, n);
        if (takes > 0 && r->body_len >= takes) {
            return false;
        }
    }
    return true;
}

/* The fields of a rule with the name of the server in them. */
static void put_fields(const scripted *s, const char *fields, char *out, size_t size)
{
    size_t used = strlen(out);
    while (fields && *fields && used < size) {
        const char *mark = strstr(fields, "@HOST@");
        int n = mark ? (int)(mark - fields) : (int)strlen(fields);
        used += (size_t)snprintf(out + used, size - used, "%.*s%s", n, fields, mark ? s->host : "");
        fields = mark ? mark + 6 : fields + n;
    }
}

/* False: the connection is over. */
static bool answer(peer *p, const scripted_request *r, const scripted_rule *rule)
{
    static char none[] = "";
    const char *body = rule && rule->body ? rule->body : none;
    size_t len = rule && rule->body_len ? rule->body_len : strlen(body);
    char *head = calloc(1, HEAD_MAX);
    bool length = !rule || !rule->fields || !strcasestr(rule->fields, "content-length:");
    snprintf(head, 128, "HTTP/1.1 %d Scripted\r\n", rule ? rule->status : 404);
    put_fields(p->server, rule ? rule->fields : NULL, head, HEAD_MAX - 128);
    if (length) {
        snprintf(head + strlen(head), 64, "Content-Length: %zu\r\n", len);
    }
    strcat(head, "\r\n");
    bool ok = (rule && rule->raw) || send_all(p, head, strlen(head));
    free(head);
    if (ok && strcmp(r->method, "HEAD") != 0) {
        bool breaks = rule && rule->breaks_at > 0;
        ok = send_body(p, body, breaks ? rule->breaks_at : len) && !breaks;
    }
    return ok && !(rule && (rule->raw || rule->unread));
}

static void wait_before(scripted *s, int ms)
{
    if (ms > 0) {
        usleep((useconds_t)ms * 1000);
    }
    pthread_mutex_lock(&s->mutex);
    while (ms < 0 && !s->over) {
        pthread_cond_wait(&s->ended, &s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
}

static bool serve_one(peer *p)
{
    scripted_rule copy;
    scripted_request *r = read_request(p);
    if (!r) {
        return false;
    }
    const scripted_rule *rule = choose(p->server, r, &copy);
    bool whole = (rule && rule->unread) || read_body(p, r, rule ? rule->takes : 0);
    record(p->server, r);
    wait_before(p->server, rule ? rule->delay_ms : 0);
    return whole && (!rule || rule->status != 0) && answer(p, r, rule);
}

static void *serve(void *arg)
{
    peer *p = arg;
    while (serve_one(p)) {
    }
    shutdown(p->fd, SHUT_RDWR);
    free(p->data);
    free(p);
    return NULL;
}

static void *listen_on(void *arg)
{
    scripted *s = arg;
    int fd;
    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        peer *p = calloc(1, sizeof(*p));
        p->server = s;
        p->fd = fd;
        p->data = malloc(HEAD_MAX);
        pthread_mutex_lock(&s->mutex);
        if (s->n_clients >= CONNECTIONS_MAX) {
            abort();
        }
        s->clients[s->n_clients] = fd;
        p->number = (int)s->n_clients + 1;
        pthread_create(&s->threads[s->n_clients++], NULL, serve, p);
        pthread_mutex_unlock(&s->mutex);
    }
    return NULL;
}

void scripted_set(scripted *s, const scripted_rule *rules)
{
    pthread_mutex_lock(&s->mutex);
    memset(s->rules, 0, sizeof(s->rules));
    memset(s->used, 0, sizeof(s->used));
    for (size_t i = 0; rules[i].method || rules[i].path || rules[i].status || rules[i].body; i++) {
        if (i + 1 >= RULES_MAX) {
            abort();
        }
        s->rules[i] = rules[i];
    }
    pthread_mutex_unlock(&s->mutex);
}

scripted *scripted_start(const scripted_rule *rules)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    scripted *s = calloc(1, sizeof(*s));
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->ended, NULL);
    scripted_set(s, rules);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->fd, 128), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(s->host, sizeof(s->host), "127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->listener, NULL, listen_on, s), 0);
    return s;
}

void scripted_stop(scripted *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->listener, NULL);
    close(s->fd);
    pthread_mutex_lock(&s->mutex);
    s->over = true;
    pthread_cond_broadcast(&s->ended);
    pthread_mutex_unlock(&s->mutex);
    for (size_t i = 0; i < s->n_clients; i++) {
        shutdown(s->clients[i], SHUT_RDWR);
        pthread_join(s->threads[i], NULL);
        close(s->clients[i]);
    }
    for (size_t i = 0; i < s->n_requests; i++) {
        free(s->requests[i]->head);
        free(s->requests[i]->body);
        free(s->requests[i]);
    }
    pthread_cond_destroy(&s->ended);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const char *scripted_host(const scripted *s)
{
    return s->host;
}

const scripted_request *scripted_get(scripted *s, const char *method, const char *path, size_t n)
{
    const scripted_request *found = NULL;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_requests && !found; i++) {
        const scripted_request *r = s->requests[i];
        if ((!method || strcmp(r->method, method) == 0) && (!path || strstr(r->target, path)) &&
            n-- == 0) {
            found = r;
        }
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}

size_t scripted_count(scripted *s, const char *method, const char *path)
{
    size_t n = 0;
    while (scripted_get(s, method, path, n)) {
        n++;
    }
    return n;
}
