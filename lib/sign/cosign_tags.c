/* The tags sha256-<hex>.sig and .att, in which cosign 2 keeps signatures and statements. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"
#include "registry/registry.h"

#define UPDATES_MAX 5
#define WAIT_MS     50

/* --- the payload of .sig (simple signing) --- */

int koc__simple_write(koc__dynbuf *out, const char *repository, const koc_digest *subject,
                      koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 0, KOC__JW_GO);
    koc__jw_object(&w);
    koc__jw_key(&w, "critical");
    koc__jw_object(&w);
    koc__jw_key(&w, "identity");
    koc__jw_object(&w);
    koc__jw_kv(&w, "docker-reference", repository);
    koc__jw_object_end(&w);
    koc__jw_key(&w, "image");
    koc__jw_object(&w);
    koc__jw_kv(&w, "docker-manifest-digest", koc__digest_str(subject).s);
    koc__jw_object_end(&w);
    koc__jw_kv(&w, "type", "cosign container image signature");
    koc__jw_object_end(&w);
    koc__jw_key(&w, "optional");
    koc__jw_null(&w);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

int koc__simple_read(koc_str payload, const char *signature, const koc_digest *subject,
                     const koc__keys *keys, const koc_key **key, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(4096);
    if (!signature || koc__unbase64(&der, koc__str(signature), NULL) != KOC_OK) {
        return koc__error(err, KOC_EVERIFY, "the signature is missing, or is not valid base64");
    }
    KOC__TRY(koc__keys_find(keys, payload, koc__dynbuf_view(&der), key, err));
    if (!*key) {
        return koc__error(err, KOC_EVERIFY, "none of the keys made this signature");
    }
    KOC__TRY(koc__json_parse(payload, KOC__ENVELOPE_MAX, "payload", &doc, err));
    const koc__jnode *critical = koc__json_get(koc__json_root(doc), "critical");
    if (!koc__streq(koc__json_get_str(critical, "type"), "cosign container image signature")) {
        return koc__error(err, KOC_EVERIFY, "the payload is not the signature of an image");
    }
    return koc__streq(koc__json_get_str(koc__json_get(critical, "image"), "docker-manifest-digest"),
                      koc__digest_str(subject).s)
               ? KOC_OK
               : koc__error(err, KOC_EVERIFY, "the signature is of another image");
}

/* --- the image at the tag --- */

/* A descriptor with members in cosign's order. */
static void write_descriptor(koc__jw *w, const char *type, const koc_digest *digest, uint64_t size)
{
    koc__jw_kv(w, "mediaType", type);
    koc__jw_key(w, "size");
    koc__jw_u64(w, size);
    koc__jw_kv(w, "digest", koc__digest_str(digest).s);
}

static void write_layer(koc__jw *w, const koc__tag_layer *layer, const koc_digest *digest)
{
    koc__jw_object(w);
    write_descriptor(w, layer->media_type, digest, layer->content.len);
    koc__jw_key(w, "annotations");
    koc__jw_object(w);
    koc__jw_kv(w, KOC__SIGNATURE_KEY, layer->signature);
    koc__jw_kv(w, "predicateType", layer->predicate_type);
    koc__jw_object_end(w);
    koc__jw_object_end(w);
}

/* cosign's config: the layers are the DiffIDs. */
static int write_config(koc__dynbuf *out, const koc__jnode *old, const koc_digest *digest,
                        koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "architecture", "");
    koc__jw_kv(&w, "created", "0001-01-01T00:00:00Z");
    koc__jw_key(&w, "history");
    koc__jw_array(&w);
    for (size_t i = 0; i < koc__json_count(old) + 1; i++) {
        koc__jw_object(&w);
        koc__jw_kv(&w, "created", "0001-01-01T00:00:00Z");
        koc__jw_object_end(&w);
    }
    koc__jw_array_end(&w);
    koc__jw_kv(&w, "os", "");
    koc__jw_key(&w, "rootfs");
    koc__jw_object(&w);
    koc__jw_kv(&w, "type", "layers");
    koc__jw_key(&w, "diff_ids");
    koc__jw_array(&w);
    for (const koc__jnode *n = koc__json_child(old); n; n = koc__json_next(n)) {
        koc__jw_str(&w, koc__json_get_str(n, "digest"));
    }
    koc__jw_str(&w, koc__digest_str(digest).s);
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    koc__jw_key(&w, "config");
    koc__jw_object(&w);
    koc__jw_object_end(&w);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

static int write_manifest(koc__dynbuf *out, koc_str config, const koc__jnode *old,
                          const koc__tag_layer *layer, const koc_digest *digest, koc_error **err)
{
    koc_digest config_digest;
    koc__jw w;
    koc__sha256_of(config.ptr, config.len, &config_digest);
    koc__jw_begin(&w, out, 0, 0);
    koc__jw_object(&w);
    koc__jw_key(&w, "schemaVersion");
    koc__jw_u64(&w, 2);
    koc__jw_kv(&w, "mediaType", KOC_MT_OCI_MANIFEST);
    koc__jw_key(&w, "config");
    koc__jw_object(&w);
    write_descriptor(&w, KOC_MT_OCI_CONFIG, &config_digest, config.len);
    koc__jw_object_end(&w);
    koc__jw_key(&w, "layers");
    koc__jw_array(&w);
    for (const koc__jnode *n = koc__json_child(old); n; n = koc__json_next(n)) {
        koc__jw_node(&w, n);
    }
    write_layer(&w, layer, digest);
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

/* The manifest at the tag; *doc NULL: there is none. */
static int read_tag(koc_client *c, const koc_reference *tag, koc__call *call, koc__json **doc,
                    koc_digest *digest, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    koc_error *failure = NULL;
    int rc = koc__client_get_manifest(c, tag, call, &bytes, NULL, digest, &failure);
    if (rc == KOC_ENOTFOUND) {
        koc_error_free(failure);
        return KOC_OK;
    }
    if (rc != KOC_OK) {
        return koc__error_move(err, &failure);
    }
    return koc__json_parse(koc__str_n(bytes.ptr, bytes.len), KOC__MANIFEST_MAX,
                           koc_reference_string(tag), doc, err);
}

static bool has_layer(const koc__jnode *layers, const koc__tag_layer *layer,
                      const koc_digest *digest)
{
    for (const koc__jnode *n = koc__json_child(layers); n; n = koc__json_next(n)) {
        const koc__jnode *notes = koc__json_get(n, "annotations");
        if (koc__streq(koc__json_get_str(n, "digest"), koc__digest_str(digest).s) &&
            koc__streq(koc__json_get_str(notes, KOC__SIGNATURE_KEY), layer->signature)) {
            return true;
        }
    }
    return false;
}

static int put_blob(koc_client *c, const koc_reference *tag, koc_str content, koc__call *call,
                    koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__TRY(koc_blob_from_bytes(content, &blob, err));
    return koc_client_put_blob(c, tag, blob, &call->user, err);
}

/* Writes the old layers and the new one. */
static int write_tag(koc_client *c, const koc_reference *tag, const koc__jnode *old,
                     const koc__tag_layer *layer, const koc_digest *digest, koc__call *call,
                     koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) config = KOC__DYNBUF_INIT(KOC__CONFIG_MAX);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc_digest stored;
    KOC__TRY(write_config(&config, old, digest, err));
    KOC__TRY(put_blob(c, tag, koc__dynbuf_view(&config), call, err));
    KOC__TRY(write_manifest(&manifest, koc__dynbuf_view(&config), old, layer, digest, err));
    return koc__client_put_manifest(c, tag, KOC_MT_OCI_MANIFEST, koc__dynbuf_view(&manifest), call,
                                    &stored, err);
}

int koc__tag_append(koc_client *c, const koc_reference *tag, const koc__tag_layer *layer,
                    koc__call *call, bool *added, koc_digest *at, koc_error **err)
{
    koc_digest digest;
    koc__sha256_of(layer->content.ptr, layer->content.len, &digest);
    *added = false;
    /* Another signer may write between read and write: what is there afterwards decides. */
    for (int i = 0; i < UPDATES_MAX; i++) {
        KOC__AUTO(koc__json) doc = NULL;
        KOC__TRY(read_tag(c, tag, call, &doc, at, err));
        const koc__jnode *layers = koc__json_get(koc__json_root(doc), "layers");
        if (has_layer(layers, layer, &digest)) {
            return KOC_OK;
        }
        if (!*added) {
            KOC__TRY(put_blob(c, tag, layer->content, call, err));
        }
        *added = true;
        KOC__TRY(write_tag(c, tag, layers, layer, &digest, call, err));
        KOC__TRY(koc__call_sleep(call, WAIT_MS * (i + 1), err));
    }
    return koc__error(err, KOC_ECONFLICT, "other clients keep changing %s",
                      koc_reference_string(tag));
}
