#include "core/common.h"

#include <koc/context.h>
#include <koc/version.h>

#include "core/hash/crypto.h"
#include "core/hash/sha256.h"
#include "http/transport.h"
#include "layer/layer.h"
#include "serve/serve.h"
#include "text/json.h"
#include "text/yaml.h"

uint32_t koc_version_number(void)
{
    return KOC_VERSION_NUMBER;
}

const char *koc_version_string(void)
{
    return KOC_VERSION_STRING;
}

static const char *sha_detail(void)
{
    const char *backend = koc__sha256_backend();
    return strcmp(backend, "portable") == 0 ? NULL : backend;
}

static const char *http2_detail(void)
{
    return koc__curl_has_http2() ? koc__curl_version() : NULL;
}

static const struct {
    uint64_t bit;
    const char *(*detail)(void);
} features[] = {
    {KOC_FEATURE_ZSTD, koc__zstd_version},
    {KOC_FEATURE_SHA_HW, sha_detail},
    {KOC_FEATURE_HTTP2, http2_detail},
    {KOC_FEATURE_CURL, koc__curl_version},
    {KOC_FEATURE_DEFLATE, koc__deflate_version},
    {KOC_FEATURE_CRYPTO, koc__crypto_version},
    {KOC_FEATURE_CJSON, koc__cjson_version},
    {KOC_FEATURE_YAML, koc__libyaml_version},
    {KOC_FEATURE_SERVE, koc__microhttpd_version},
};

const char *koc_feature_detail(uint64_t feature)
{
    for (size_t i = 0; i < KOC__COUNT(features); i++) {
        if (features[i].bit == feature) {
            return features[i].detail();
        }
    }
    return NULL;
}

uint64_t koc_features(void)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < KOC__COUNT(features); i++) {
        bits |= features[i].detail() ? features[i].bit : 0;
    }
    return bits;
}
