/*
 * Config values that runtimes parse (OCI image-spec, config.md): a value that a runtime would reject is
 * rejected when the image is built.
 */
#include "core/common.h"

#include "core/str.h"
#include "model/model.h"

#define PORT_MAX 65535
#define ID_MAX   INT32_MAX /* the maximum of runc */

static bool has_control(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            return true;
        }
    }
    return false;
}

/* --- users: "name", "1000", "name:group", "1000:1000"; of Windows "domain\some name" --- */

static bool is_number(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
    }
    return s.len > 0;
}

static bool is_id(koc_str s)
{
    uint64_t n = 0;
    return koc__str_u64(s, &n) && n <= ID_MAX;
}

static bool is_name(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == 0x7f || c == ':' || c == '/' || c == ',') {
            return false;
        }
    }
    return s.len > 0 && s.ptr[0] != '-' && s.ptr[0] != '+';
}

static bool is_user(const char *text)
{
    koc_str user = koc__str(text);
    koc_str group = KOC__STR("0");
    if (strchr(text, '\\')) {
        return !has_control(text);
    }
    (void)koc__str_cut(koc__str(text), ':', &user, &group);
    return (is_number(user) ? is_id(user) : is_name(user)) &&
           (is_number(group) ? is_id(group) : is_name(group));
}

/* --- paths: "/srv"; of Windows "C:\srv" and "\srv" --- */

static bool is_absolute(const char *text)
{
    bool drive = ((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z') && text[1] == ':' &&
                 (text[2] == '\\' || text[2] == '/');
    return (text[0] == '/' || text[0] == '\\' || drive) && !has_control(text);
}

/* --- ports: "8080", "8080/tcp" --- */

static bool is_port(const char *text)
{
    koc_str number = koc__str(text);
    koc_str protocol = KOC__STR("tcp");
    uint64_t n = 0;
    (void)koc__str_cut(koc__str(text), '/', &number, &protocol);
    return koc__str_u64(number, &n) && n > 0 && n <= PORT_MAX &&
           (koc__str_is(protocol, "tcp") || koc__str_is(protocol, "udp") ||
            koc__str_is(protocol, "sctp"));
}

/* "SIGTERM", "TERM", "15", "SIGRTMIN+3". */
static bool is_signal(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == strlen(text);
}

static int refuse(const char *value, const char *wanted, koc_error **err)
{
    return koc__error(err, KOC_EINVAL, "\"%.200s\" is not %s", value, wanted);
}

/* JSON cannot hold other bytes: they would become U+FFFD, the name of another program or file. */
int koc__image_config_check_utf8(const char *what, const char *text, koc_error **err)
{
    return !text || koc__str_utf8(koc__str(text))
               ? KOC_OK
               : koc__error(err, KOC_EINVAL, "%s is not UTF-8: %.200s", what, text);
}

int koc__image_config_check_text(int32_t field, const char *value, koc_error **err)
{
    if (!value || !*value) {
        return KOC_OK;
    }
    KOC__TRY(koc__image_config_check_utf8("a setting", value, err));
    if (field == KOC_CFG_USER && !is_user(value)) {
        return refuse(value, "a user: a name or a number, and perhaps :GROUP", err);
    }
    if (field == KOC_CFG_WORKDIR && !is_absolute(value)) {
        return refuse(value, "an absolute path", err);
    }
    if (field == KOC_CFG_STOPSIGNAL && !is_signal(value)) {
        return refuse(value, "a signal like SIGTERM or 15", err);
    }
    return KOC_OK;
}

int koc__image_config_check_port(const char *value, koc_error **err)
{
    return is_port(value)
               ? KOC_OK
               : refuse(value, "a port: 1 to 65535, and perhaps /tcp, /udp or /sctp", err);
}

int koc__image_config_check_volume(const char *value, koc_error **err)
{
    return is_absolute(value) ? KOC_OK : refuse(value, "an absolute path", err);
}
