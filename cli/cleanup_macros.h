/*
 * The command's idiom for failures: CLI_TRY returns early, CLI_AUTO releases at the end of the scope. They stand on
 * the public _unref and _free functions alone.
 */
#ifndef CLI_CLEANUP_MACROS_H
#define CLI_CLEANUP_MACROS_H

#include <stdlib.h>

#include <koc/ext/daemon.h>
#include <koc/ext/edit.h>
#include <koc/ext/publish.h>
#include <koc/ext/transfer.h>
#include <koc/koc.h>

#include "cli.h"

/* Returns what expr failed with: a KOC_E* code or an exit code, both of which are 0 after success. */
#define CLI_TRY(expr)                                                                              \
    do {                                                                                           \
        int cli_rc = (expr);                                                                       \
        if (cli_rc != 0) {                                                                         \
            return cli_rc;                                                                         \
        }                                                                                          \
    } while (0)

/* CLI_DEFINE_AUTO(koc_image, koc_image_unref); then CLI_AUTO(koc_image) img = NULL; */
#define CLI_DEFINE_AUTO(type, release)                                                             \
    static inline __attribute__((unused)) void cli_auto_##type(type **p)                           \
    {                                                                                              \
        release(*p);                                                                               \
    }                                                                                              \
    struct cli_semicolon
#define CLI_AUTO(type) __attribute__((cleanup(cli_auto_##type))) type *

/* The same for a struct held by value. */
#define CLI_DEFINE_AUTO_VAL(type, release)                                                         \
    static inline __attribute__((unused)) void cli_autoval_##type(type *p)                         \
    {                                                                                              \
        release(p);                                                                                \
    }                                                                                              \
    struct cli_semicolon
#define CLI_AUTO_VAL(type) __attribute__((cleanup(cli_autoval_##type))) type

/* Memory from malloc. */
static inline __attribute__((unused)) void cli_auto_free(char **p)
{
    free(*p);
}
#define CLI_AUTO_STR __attribute__((cleanup(cli_auto_free))) char *

CLI_DEFINE_AUTO(koc_auth, koc_auth_unref);
CLI_DEFINE_AUTO(koc_blob, koc_blob_unref);
CLI_DEFINE_AUTO(koc_credential, koc_credential_free);
CLI_DEFINE_AUTO(koc_ctx, koc_ctx_unref);
CLI_DEFINE_AUTO(koc_daemon, koc_daemon_free);
CLI_DEFINE_AUTO(koc_error, koc_error_free);
CLI_DEFINE_AUTO(koc_file, koc_file_free);
CLI_DEFINE_AUTO(koc_image, koc_image_unref);
CLI_DEFINE_AUTO(koc_image_builder, koc_image_builder_free);
CLI_DEFINE_AUTO(koc_index, koc_index_unref);
CLI_DEFINE_AUTO(koc_layer_builder, koc_layer_builder_free);
CLI_DEFINE_AUTO(koc_layout, koc_layout_unref);
CLI_DEFINE_AUTO(koc_published, koc_published_free);
CLI_DEFINE_AUTO(koc_reader, koc_reader_free);
CLI_DEFINE_AUTO(koc_reference, koc_reference_unref);
CLI_DEFINE_AUTO(koc_source, koc_source_free);
CLI_DEFINE_AUTO(koc_strlist, koc_strlist_free);
CLI_DEFINE_AUTO_VAL(koc_buf, koc_buf_dispose);
CLI_DEFINE_AUTO_VAL(cli_list, cli_list_free);

#endif
