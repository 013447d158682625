#include "core/common.h"

#include "core/clean.h"
#include "core/dynbuf.h"
#include "core/str.h"
#include "registry/registry_error.h"
#include "test.h"

/* every shape that registries answer with. */
KOC_TEST(regerror_read_R190)
{
    static const char *const table[][3] = {
        {"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\",\"detail\":{}}]}",
         "MANIFEST_UNKNOWN", "manifest unknown"},
        {"{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}", "UNAUTHORIZED",
         "authentication required"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"bad\\nthings\"}", "invalid_grant",
         "bad things"},
        {"{\"errors\":[{\"status\":403,\"message\":\"Forbidden\"}]}", "403", "Forbidden"},
        {"{\"details\":\"incorrect username or password\"}", "", "incorrect username or password"},
        {"{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"unknown error\"},"
         "{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"blob unknown\","
         "\"detail\":{\"digest\":\"sha256:ab\"}}]}",
         "MANIFEST_BLOB_UNKNOWN",
         "UNKNOWN: unknown error; MANIFEST_BLOB_UNKNOWN: blob unknown: digest sha256:ab"},
        {"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\","
         "\"detail\":{\"Tag\":\"v1\"}}]}",
         "MANIFEST_UNKNOWN", "manifest unknown: Tag v1"},
        {"{\"errors\":[{\"code\":\"A\",\"detail\":\"sha256:cd\"},{\"code\":\"B\"}]}", "A",
         "A: sha256:cd; B"},
        {"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"quota of 5 GB\",\"detail\":\"5 GB\"}]}",
         "DENIED", "quota of 5 GB"},
        {"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\","
         "\"detail\":[{\"Type\":\"repository\",\"Class\":\"\",\"Action\":\"push\"}]}]}",
         "DENIED", "no: Type repository, Action push"},
        {"{\"errors\":[{\"code\":\"X\",\"detail\":{\"a\\u001b[2J\":\"b\\r\\nc\"}}]}", "X",
         "a [2J b c"},
        {"{\"errors\":[1,null,\"text\",{\"code\":7}]}", "7", "7"},
        {"{\"errors\":[]}", "", ""},
        {"{}", "", ""},
        {"<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>", "",
         "502 Bad Gateway nginx"},
        {"404 page not found\n", "", "404 page not found"},
        {"", "", ""},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__regerror e;
        koc__regerror_read(koc__str(table[i][0]), &e);
        assert_string_equal(e.code, table[i][1]);
        assert_string_equal(e.message, table[i][2]);
    }
}

/* nothing that moves a terminal's cursor or turns text round. */
KOC_TEST(clean_text_R191)
{
    static const char *const table[][2] = {
        {"a\x1b[31mred\x07", "a [31mred"},
        {"  two\t\n words ", "two words"},
        {"\xc2\x9b"
         "1A",
         "1A"},
        {"over\xe2\x80\xaeride", "over ride"},
        {"\xff\xfe bad \xc3", "bad"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"1 < 2 <b>bold</b>", "1 < 2 bold"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        char out[64];
        koc__clean_text(koc__str(table[i][0]), out, sizeof(out));
        assert_string_equal(out, table[i][1]);
    }
}

KOC_TEST(clean_text_never_cuts_a_character)
{
    char out[6];
    koc__clean_text(KOC__STR("abcd\xc3\xbcx"), out, sizeof(out));
    assert_string_equal(out, "abcd");
    koc__clean_text(KOC__STR("abcdefgh"), out, sizeof(out));
    assert_string_equal(out, "abcde");
}

/* A registry may say as much as it likes; what is shown ends, and says so. */
KOC_TEST(regerror_read_cuts_what_is_too_long)
{
    KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(1 << 16);
    koc__regerror e;
    assert_int_equal(koc__dynbuf_puts(&body, "{\"errors\":[", NULL), KOC_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(koc__dynbuf_printf(&body, NULL,
                                            "%s{\"code\":\"C%d\",\"message\":\"m\xc3\xbc%0200d\","
                                            "\"detail\":{\"digest\":\"sha256:%0300d\"}}",
                                            i ? "," : "", i, i, i),
                         KOC_OK);
    }
    assert_int_equal(koc__dynbuf_puts(&body, "]}", NULL), KOC_OK);
    koc__regerror_read(koc__dynbuf_view(&body), &e);
    assert_string_equal(e.code, "C0");
    assert_in_range(strlen(e.message), 900, sizeof(e.message) - 1);
    assert_string_equal(e.message + strlen(e.message) - 3, "...");
    assert_true(koc__str_utf8(koc__str(e.message)));
}

KOC_TEST(operation_of_a_request)
{
    static const struct {
        const char *method, *path;
        koc__operation what;
    } table[] = {
        {"POST", "blobs/uploads/", KOC__DO_UPLOAD_OPEN},
        {"POST", "blobs/uploads/?mount=%s&from=%s", KOC__DO_UPLOAD_OPEN},
        {"PUT", "blobs/uploads/x", KOC__DO_UPLOAD_SEND},
        {"HEAD", "blobs/%s", KOC__DO_BLOB_GET},
        {"DELETE", "blobs/%s", KOC__DO_DELETE},
        {"GET", "manifests/%s", KOC__DO_MANIFEST_GET},
        {"PUT", "manifests/%s", KOC__DO_MANIFEST_PUT},
        {"DELETE", "manifests/%s", KOC__DO_DELETE},
        {"GET", "tags/list", KOC__DO_LIST},
        {"GET", "referrers/%s", KOC__DO_LIST},
        {"GET", "else", KOC__DO_OTHER},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__operation_of(table[i].method, table[i].path), table[i].what);
    }
}

/* The same status means different things: never something else than what was asked for. */
KOC_TEST(words_of_each_status_by_operation)
{
    static const struct {
        koc__operation what;
        int status;
        const char *registry_code, *words;
        koc_code code;
    } table[] = {
        {KOC__DO_UPLOAD_SEND, 412, "", "its quota", KOC_EDENIED},
        {KOC__DO_UPLOAD_OPEN, 412, "", "its quota", KOC_EDENIED},
        {KOC__DO_MANIFEST_PUT, 412, "", "its quota", KOC_EDENIED},
        {KOC__DO_MANIFEST_GET, 412, "", "its policy", KOC_EDENIED},
        {KOC__DO_UPLOAD_OPEN, 404, "NAME_UNKNOWN", "no such repository", KOC_ENOTFOUND},
        {KOC__DO_UPLOAD_OPEN, 404, "", "takes no uploads for this repository", KOC_ENOTFOUND},
        {KOC__DO_UPLOAD_SEND, 404, "", "lost the upload", KOC_ENOTFOUND},
        {KOC__DO_UPLOAD_SEND, 410, "", "lost the upload", KOC_ENOTFOUND},
        {KOC__DO_UPLOAD_SEND, 400, "BLOB_UPLOAD_INVALID", "lost the upload", KOC_EHTTP},
        {KOC__DO_MANIFEST_GET, 404, "", "no such image", KOC_ENOTFOUND},
        {KOC__DO_MANIFEST_GET, 404, "MANIFEST_UNKNOWN", "no such image", KOC_ENOTFOUND},
        {KOC__DO_MANIFEST_PUT, 404, "MANIFEST_UNKNOWN", "lacks a manifest of it", KOC_ENOTFOUND},
        {KOC__DO_MANIFEST_PUT, 404, "BLOB_UNKNOWN", "lacks a blob of it", KOC_ENOTFOUND},
        {KOC__DO_MANIFEST_PUT, 400, "MANIFEST_BLOB_UNKNOWN", "lacks a blob of it", KOC_EHTTP},
        {KOC__DO_MANIFEST_PUT, 400, "MANIFEST_INVALID", "finds the manifest invalid", KOC_EHTTP},
        {KOC__DO_BLOB_GET, 404, "", "no such blob", KOC_ENOTFOUND},
        {KOC__DO_LIST, 404, "", "no such repository", KOC_ENOTFOUND},
        {KOC__DO_TOKEN, 404, "", "not found", KOC_ENOTFOUND},
        {KOC__DO_UPLOAD_OPEN, 405, "", "may be read-only", KOC_EUNSUPPORTED},
        {KOC__DO_DELETE, 405, "", "does not delete", KOC_EUNSUPPORTED},
        {KOC__DO_BLOB_GET, 405, "", "does not allow this", KOC_EUNSUPPORTED},
        {KOC__DO_MANIFEST_PUT, 409, "", "conflict with what is there", KOC_ECONFLICT},
        {KOC__DO_MANIFEST_PUT, 413, "", "the manifest is too large", KOC_ELIMIT},
        {KOC__DO_UPLOAD_SEND, 413, "", "too large for the registry", KOC_ELIMIT},
        {KOC__DO_UPLOAD_SEND, 416, "", "another part of the upload", KOC_EHTTP},
        {KOC__DO_BLOB_GET, 416, "", "refused the range", KOC_EHTTP},
        {KOC__DO_UPLOAD_SEND, 429, "", "too many requests", KOC_ERATE},
        {KOC__DO_UPLOAD_SEND, 507, "", "no space left (507", KOC_EHTTP},
        {KOC__DO_UPLOAD_SEND, 400, "", "the registry answered 400 Bad Request", KOC_EHTTP},
        {KOC__DO_OTHER, 451, "", "legal reasons", KOC_EDENIED},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__regerror e = {"", ""};
        koc_error *err = NULL;
        snprintf(e.code, sizeof(e.code), "%s", table[i].registry_code);
        assert_int_equal(koc__regerror_make(table[i].what, table[i].status, &e, &err),
                         table[i].code);
        assert_non_null(strstr(koc_error_message(err), table[i].words));
        assert_null(strstr(koc_error_message(err), "somebody"));
        koc_error_free(err);
    }
}

KOC_TEST(regerror_make_gives_code_status_and_words)
{
    koc__regerror denied = {"DENIED", "requested access is denied"}, none = {"", ""};
    koc__regerror lost = {"NAME_UNKNOWN", ""},
                  tls = {"", "400 No required SSL certificate was sent"};
    koc_error *err = NULL;

    assert_int_equal(koc__regerror_make(KOC__DO_OTHER, 403, &denied, &err), KOC_EDENIED);
    assert_string_equal(koc_error_message(err), "access denied (requested access is denied)");
    assert_int_equal(koc_error_http_status(err), 403);
    assert_string_equal(koc_error_registry_code(err), "DENIED");
    assert_false(koc_error_is_retryable(err));
    assert_int_equal(koc__regerror_make(KOC__DO_OTHER, 503, &none, &err), KOC_EHTTP);
    assert_true(koc_error_is_retryable(err));
    assert_int_equal(koc__regerror_make(KOC__DO_OTHER, 404, &lost, &err), KOC_ENOTFOUND);
    assert_string_equal(koc_error_message(err), "no such repository (NAME_UNKNOWN)");
    assert_int_equal(koc__regerror_make(KOC__DO_OTHER, 418, &none, &err), KOC_EHTTP);
    assert_string_equal(koc_error_message(err), "the registry answered 418");
    assert_int_equal(koc__regerror_make(KOC__DO_OTHER, 400, &tls, &err), KOC_ETLS); /* */
    koc_error_free(err);
}
