#include "core/common.h"

#include "core/dynbuf.h"
#include "registry/host/hosts_toml.h"
#include "test.h"
#include "text/toml.h"

/* --- the language --- */

static int print(void *self, const koc__toml_item *item, koc_error **err)
{
    koc__dynbuf *b = self;
    for (size_t i = 0; i < item->depth; i++) {
        KOC__TRY(koc__dynbuf_printf(b, err, "%s/", item->table[i]));
    }
    if (!item->key) {
        return koc__dynbuf_puts(b, ";", err);
    }
    KOC__TRY(koc__dynbuf_printf(b, err, "%s", item->key));
    for (int i = 0; i < 2 && item->index[i] >= 0; i++) {
        KOC__TRY(koc__dynbuf_printf(b, err, "[%d]", item->index[i]));
    }
    switch (item->kind) {
    case KOC__TOML_STRING: return koc__dynbuf_printf(b, err, "='%s';", item->text);
    case KOC__TOML_BOOL: return koc__dynbuf_printf(b, err, "=%s;", item->truth ? "yes" : "no");
    default: return koc__dynbuf_printf(b, err, "=%lld;", (long long)item->number);
    }
}

KOC_TEST(toml_what_is_understood)
{
    static const struct {
        const char *text, *items;
    } table[] = {
        {"", ""},
        {"# only a comment", ""},
        {"\r\n \t\n", ""},
        {"a = 1", "a=1;"},
        {"a=-5 # five below\nb = true\r\nc=false", "a=-5;b=yes;c=no;"},
        {"a = \"x\\\"y\\\\z\\u0041\\t\"", "a='x\"y\\zA\t';"},
        {"a = 'C:\\no\\escape'", "a='C:\\no\\escape';"},
        {"\"a b\" = '#'", "a b='#';"},
        {"[t]\nk='v'", "t/;t/k='v';"},
        {"[host.\"https://x:5\"] # c\n  [ host . 'y' ]\nz=1",
         "host/https://x:5/;host/y/;host/y/z=1;"},
        {"a = []", ""},
        {"a = [ 'x' , \"y\", ]", "a[0]='x';a[1]='y';"},
        {"a = [\n  # one\n 'x',\n 'y'\n]\nb=2", "a[0]='x';a[1]='y';b=2;"},
        {"a = [['c','k'],['d']]", "a[0][0]='c';a[0][1]='k';a[1][0]='d';"},
        {"a=1\na=2", "a=1;a=2;"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(4096);
        assert_int_equal(koc__toml_read(koc__str(table[i].text), "f", print, &b, NULL), KOC_OK);
        assert_string_equal(koc__dynbuf_cstr(&b), table[i].items);
    }
}

KOC_TEST(toml_what_is_refused)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        {"a", "f:1: a key without '='"},
        {"a.b = 1", "f:1: dotted keys are not supported; write a [table]"},
        {"\n\na = 1.5", "f:3: unsupported value: expected"},
        {"a = 1979-05-27", "f:1: unsupported value: expected"},
        {"a = {b=1}", "f:1: unsupported value: expected"},
        {"a = ", "f:1: unsupported value: expected"},
        {"a = 99999999999999999999", "f:1: unsupported value: expected"},
        {"a = 'x' 'y'", "f:1: unexpected text at the end"},
        {"a = 'x", "f:1: unterminated string"},
        {"a = \"x\ny\"", "f:1: unterminated string"},
        {"a = '''x'''", "f:1: multi-line strings"},
        {"a = \"\\q\"", "f:1: unsupported escape"},
        {"a = \"\\u0000\"", "f:1: unsupported escape"},
        {"[[a]]", "f:1: arrays of tables"},
        {"[a", "f:1: unterminated table name"},
        {"[]", "f:1: expected a key"},
        {"[a.b.c.d.e]", "f:1: tables are nested more than 4 levels deep"},
        {"[a] b", "f:1: unexpected text at the end"},
        {"a = [1\n\n2]", "f:3: unterminated array"},
        {"a = [[[1]]]", "f:1: arrays are nested"},
        {"= 1", "f:1: expected a key"},
        {"a = [", "f:1: unsupported value: expected"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(4096);
        KOC__AUTO(koc_error) err = NULL;
        assert_int_equal(koc__toml_read(koc__str(table[i].text), "f", print, &b, &err),
                         KOC_EFORMAT);
        assert_memory_equal(koc_error_message(err), table[i].message, strlen(table[i].message));
    }
}

/* --- hosts.toml --- */

static int read_hosts(const char *text, koc__host_config *out, koc_error **err)
{
    return koc__hosts_toml_read(koc__str(text), "/c/hosts.toml", "/c", out, err);
}

KOC_TEST(hosts_toml_R15)
{
    KOC__AUTO_VAL(koc__host_config) c = KOC__HOST_CONFIG_INIT;
    assert_int_equal(read_hosts("server = 'https://reg.example'\n"
                                "ca = 'own.crt'\n"
                                "requests_per_second = 7\n"
                                "[host.'http://mirror:5000']\n"
                                "capabilities = ['pull']\n"
                                "skip_verify = true\n"
                                "client = [['/k/c.pem', 'k.pem']]\n"
                                "[host.'http://mirror:5000'.header]\n"
                                "X-Team = 'a'\n"
                                "[host.'https://cache/some/path/']\n"
                                "client = 'both.pem'\n"
                                "[host.'https://other/v2/proxy']\n"
                                "override_path = true\n"
                                "capabilities = ['pull', 'resolve', 'push']\n"
                                "unknown = 5\n",
                                &c, NULL),
                     KOC_OK);
    assert_string_equal(c.origin.authority, "reg.example");
    assert_null(c.origin.prefix);
    assert_int_equal(c.origin.rate, 7);
    assert_string_equal(koc_strlist_get(c.origin.ca, 0), "/c/own.crt");
    assert_int_equal(c.n_mirrors, 3);
    const koc__host_endpoint *m = c.mirrors;
    assert_string_equal(m[0].authority, "mirror:5000");
    assert_false(m[0].https);
    assert_true(m[0].skip_verify);
    assert_int_equal(m[0].caps, KOC__CAP_PULL);
    assert_string_equal(m[0].client_cert, "/k/c.pem");
    assert_string_equal(m[0].client_key, "/c/k.pem");
    assert_string_equal(koc__headers_get(&m[0].fields, "x-team"), "a");
    assert_string_equal(m[1].prefix, "/some/path/v2");
    assert_int_equal(m[1].caps, KOC__CAP_PULL | KOC__CAP_RESOLVE);
    assert_string_equal(m[1].client_cert, "/c/both.pem");
    assert_string_equal(m[1].client_key, "/c/both.pem");
    assert_string_equal(m[2].prefix, "/v2/proxy");
    assert_int_equal(m[2].caps, KOC__CAP_PULL | KOC__CAP_RESOLVE | KOC__CAP_PUSH);
}

KOC_TEST(hosts_toml_a_table_without_members_is_a_mirror)
{
    KOC__AUTO_VAL(koc__host_config) c = KOC__HOST_CONFIG_INIT;
    assert_int_equal(read_hosts("[host.\"https://m\"]", &c, NULL), KOC_OK);
    assert_int_equal(c.n_mirrors, 1);
    assert_null(c.origin.authority);
}

KOC_TEST(hosts_toml_refusals_name_file_and_line_R45)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        {"server = 5", "/c/hosts.toml:1: server must be a string"},
        {"server='https://a'\nserver='https://b'", "/c/hosts.toml:2: server is set twice"},
        {"server = 'ftp://a'", "/c/hosts.toml:1: not the address of a registry"},
        {"server = 'https://u:p@a'", "/c/hosts.toml:1: not the address of a registry"},
        {"skip_verify = 'yes'", "/c/hosts.toml:1: skip_verify must be true or false"},
        {"capabilities = ['pull', 'fly']", "/c/hosts.toml:1: capabilities are pull"},
        {"requests_per_second = 0", "/c/hosts.toml:1: requests_per_second must be"},
        {"client = ['a', 'b']", "/c/hosts.toml:1: more than one client certificate"},
        {"[host.'https://m'.header]\nAuthorization = 'Basic eA=='",
         "/c/hosts.toml:2: the header field Authorization cannot be set here"},
        {"[header]\nproxy-authorization = 'x'", "/c/hosts.toml:2: the header field proxy-auth"},
        {"[header]\nx = \"a\\r\\nb\"", "/c/hosts.toml:2: "},
        {"[host.'']", "/c/hosts.toml:1: not the address of a registry"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__host_config) c = KOC__HOST_CONFIG_INIT;
        KOC__AUTO(koc_error) err = NULL;
        assert_int_not_equal(read_hosts(table[i].text, &c, &err), KOC_OK);
        assert_memory_equal(koc_error_message(err), table[i].message, strlen(table[i].message));
    }
}
