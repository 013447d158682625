// Written by bindings/rust/generate.py from include/koc: do not edit.
// Declarations: 25a6e906e05b3de2558c198b8c7a2a1cbe779b4af6f378bb80739be42aeaad51

use core::ffi::{c_char, c_int, c_void, CStr};

pub const KOC_OK: i32 = 0;
pub const KOC_EMISUSE: i32 = -1;
pub const KOC_ENOMEM: i32 = -2;
pub const KOC_EINVAL: i32 = -3;
pub const KOC_EIO: i32 = -4;
pub const KOC_ENOTFOUND: i32 = -5;
pub const KOC_EEXISTS: i32 = -6;
pub const KOC_ELIMIT: i32 = -7;
pub const KOC_EFORMAT: i32 = -8;
pub const KOC_EDIGEST: i32 = -9;
pub const KOC_ENET: i32 = -10;
pub const KOC_ETLS: i32 = -11;
pub const KOC_EHTTP: i32 = -12;
pub const KOC_EAUTH: i32 = -13;
pub const KOC_EDENIED: i32 = -14;
pub const KOC_ERATE: i32 = -15;
pub const KOC_ETIMEOUT: i32 = -16;
pub const KOC_ECANCELLED: i32 = -17;
pub const KOC_EUNSUPPORTED: i32 = -18;
pub const KOC_EPLATFORM: i32 = -19;
pub const KOC_EPROCESS: i32 = -20;
pub const KOC_ECONFLICT: i32 = -21;
pub const KOC_EVERIFY: i32 = -22;
pub const KOC_EUSER: i32 = -30;
pub const KOC_PASSTHROUGH: i32 = 1;
pub const KOC_HINT_NONE: i32 = 0;
pub const KOC_HINT_LOGIN: i32 = 1;
pub const KOC_HINT_OTHER_LOGIN: i32 = 2;
pub const KOC_HINT_ALLOW_HTTP: i32 = 3;
pub const KOC_HINT_TRUST_CA: i32 = 4;
pub const KOC_HINT_CLIENT_CERT: i32 = 5;
pub const KOC_HINT_SCRATCH_BASE: i32 = 6;
pub const KOC_HINT_ONLINE: i32 = 7;
pub const KOC_HINT_NO_PUSH: i32 = 8;
pub const KOC_HINT_OPTION: i32 = 9;
pub const KOC_HINT_OFFLINE: i32 = 10;
pub const KOC_HINT_LIST_TAGS: i32 = 11;
pub const KOC_HINT_NO_SUCH_BASE: i32 = 12;
pub const KOC_DIGEST_NONE: i32 = 0;
pub const KOC_DIGEST_SHA256: i32 = 1;
pub const KOC_DIGEST_SHA512: i32 = 2;
pub const KOC_LOG_ERROR: i32 = 0;
pub const KOC_LOG_WARN: i32 = 1;
pub const KOC_LOG_INFO: i32 = 2;
pub const KOC_LOG_DEBUG: i32 = 3;
pub const KOC_LOG_TRACE: i32 = 4;
pub const KOC_FEATURE_ZSTD: u32 = 1 << 0;
pub const KOC_FEATURE_SHA_HW: u32 = 1 << 1;
pub const KOC_FEATURE_HTTP2: u32 = 1 << 2;
pub const KOC_FEATURE_CURL: u32 = 1 << 3;
pub const KOC_FEATURE_DEFLATE: u32 = 1 << 4;
pub const KOC_FEATURE_CRYPTO: u32 = 1 << 5;
pub const KOC_FEATURE_CJSON: u32 = 1 << 6;
pub const KOC_FEATURE_YAML: u32 = 1 << 7;
pub const KOC_FEATURE_SERVE: u32 = 1 << 8;
pub const KOC_PROGRESS_BLOB: i32 = 1;
pub const KOC_PROGRESS_MANIFEST: i32 = 2;
pub const KOC_PROGRESS_LAYER: i32 = 3;
pub const KOC_PROGRESS_BUILD: i32 = 4;
pub const KOC_PROGRESS_RESOLVE: i32 = 5;
pub const KOC_PROGRESS_IMAGE: i32 = 6;
pub const KOC_PROGRESS_REQUEST: i32 = 7;
pub const KOC_STATE_STARTED: i32 = 1;
pub const KOC_STATE_ACTIVE: i32 = 2;
pub const KOC_STATE_SKIPPED: i32 = 3;
pub const KOC_STATE_MOUNTED: i32 = 4;
pub const KOC_STATE_FINISHED: i32 = 5;
pub const KOC_STATE_FAILED: i32 = 6;
pub const KOC_STATE_WAITING: i32 = 7;
pub const KOC_TO_LOCAL: u32 = 1 << 0;
pub const KOC_REFERENCE_TRANSPORTS: u32 = 1 << 0;
pub const KOC_CFG_USER: i32 = 1;
pub const KOC_CFG_WORKDIR: i32 = 2;
pub const KOC_CFG_STOPSIGNAL: i32 = 3;
pub const KOC_CFG_AUTHOR: i32 = 4;
pub const KOC_CFG_PORT: i32 = 5;
pub const KOC_CFG_VOLUME: i32 = 6;
pub const KOC_CFG_ENV: i32 = 7;
pub const KOC_CFG_LABEL: i32 = 8;
pub const KOC_CFG_ENTRYPOINT: i32 = 9;
pub const KOC_CFG_CMD: i32 = 10;
pub const KOC_CFG_ANNOTATION: i32 = 11;
pub const KOC_ADD_LAYER_CREATED: u32 = 1 << 0;
pub const KOC_FORMAT_SAME_AS_BASE: i32 = 0;
pub const KOC_FORMAT_OCI: i32 = 1;
pub const KOC_FORMAT_DOCKER: i32 = 2;
pub const KOC_COMPRESS_GZIP: i32 = 0;
pub const KOC_COMPRESS_NONE: i32 = 1;
pub const KOC_COMPRESS_ZSTD: i32 = 2;
pub const KOC_LAYER_DOCKER_TYPES: u32 = 1 << 0;
pub const KOC_LAYER_VERBATIM: u32 = 1 << 1;
pub const KOC_LAYER_IN_MEMORY: u32 = 1 << 2;
pub const KOC_TREE_FOLLOW_LINKS_INSIDE: u32 = 1 << 0;
pub const KOC_TREE_KEEP_OWNER: u32 = 1 << 1;
pub const KOC_LAYOUT_CREATE: u32 = 1 << 0;
pub const KOC_CRED_BASIC: i32 = 1;
pub const KOC_CRED_IDENTITY_TOKEN: i32 = 2;
pub const KOC_CRED_BEARER: i32 = 3;
pub const KOC_TRACE_REQUEST: i32 = 1;
pub const KOC_TRACE_REPLY: i32 = 2;
pub const KOC_TRACE_FAILURE: i32 = 3;
pub const KOC_CLIENT_INSECURE: u32 = 1 << 0;
pub const KOC_CLIENT_NO_PROXY_ENV: u32 = 1 << 1;
pub const KOC_CLIENT_OFFLINE: u32 = 1 << 2;
pub const KOC_ACCESS_PULL: u32 = 1 << 0;
pub const KOC_ACCESS_PUSH: u32 = 1 << 1;
pub const KOC_ACCESS_DELETE: u32 = 1 << 2;
pub const KOC_PLACE_REGISTRY: i32 = 1;
pub const KOC_PLACE_LAYOUT: i32 = 2;
pub const KOC_PLACE_OCI_ARCHIVE: i32 = 3;
pub const KOC_PLACE_DOCKER_ARCHIVE: i32 = 4;
pub const KOC_PLACE_ARCHIVE: i32 = 5;
pub const KOC_PLACE_MEMORY: i32 = 6;
pub const KOC_PARSE_PATH: u32 = 1 << 0;
pub const KOC_PARSE_NO_PATH: u32 = 1 << 1;
pub const KOC_CHECK_FAST: u32 = 1 << 0;
pub const KOC_COPY_REFERRERS: u32 = 1 << 0;
pub const KOC_COPY_KEEP_GOING: u32 = 1 << 1;
pub const KOC_CHANGE_CREATED: u32 = 1 << 0;
pub const KOC_SPEC_NO_BASE_RECORD: u32 = 1 << 0;
pub const KOC_PUBLISH_NO_PUSH: u32 = 1 << 0;
pub const KOC_PUBLISH_TAG_ONLY: u32 = 1 << 1;
pub const KOC_PUBLISH_PRESERVE_IMPORT_PATHS: u32 = 1 << 2;
pub const KOC_PUBLISH_BASE_IMPORT_PATHS: u32 = 1 << 3;
pub const KOC_PUBLISH_BARE: u32 = 1 << 4;
pub const KOC_PUBLISH_DISABLE_OPTIMIZATIONS: u32 = 1 << 5;
pub const KOC_PUBLISH_COMPAT_KO: u32 = 1 << 6;
pub const KOC_PUBLISH_DEFAULT_LAYOUT: u32 = 1 << 7;
pub const KOC_PUBLISH_FORCE: u32 = 1 << 8;
pub const KOC_PUBLISH_DEBUG: u32 = 1 << 12;
pub const KOC_PUBLISH_OFFLINE: u32 = 1 << 9;
pub const KOC_PUBLISH_INPUTS: u32 = 1 << 10;
pub const KOC_SBOM_SPDX: i32 = 0;
pub const KOC_SBOM_NONE: i32 = 1;
pub const KOC_SERVE_READ_ONLY: u32 = 1 << 0;
pub const KOC_SERVE_DELETE: u32 = 1 << 1;
pub const KOC_SERVE_REMOTE: u32 = 1 << 2;
pub const KOC_SIGNATURE_ADDED: i32 = 1;
pub const KOC_SIGNATURE_PRESENT: i32 = 2;
pub const KOC_SIGNATURE_VALID: i32 = 3;
pub const KOC_SIGNATURE_REJECTED: i32 = 4;
pub const KOC_SIGN_RECURSIVE: u32 = 1 << 0;
pub const KOC_SIGN_COSIGN2: u32 = 1 << 1;
pub const KOC_VERIFY_ANY_ATTESTATION: u32 = 1 << 0;
pub const KOC_VERIFY_RECURSIVE: u32 = 1 << 1;
pub const KOC_DIGEST_TEXT_MAX: usize = 136;
pub const KOC_MT_OCI_INDEX: &CStr = c"application/vnd.oci.image.index.v1+json";
pub const KOC_MT_OCI_MANIFEST: &CStr = c"application/vnd.oci.image.manifest.v1+json";
pub const KOC_MT_OCI_CONFIG: &CStr = c"application/vnd.oci.image.config.v1+json";
pub const KOC_MT_OCI_EMPTY: &CStr = c"application/vnd.oci.empty.v1+json";
pub const KOC_MT_OCI_LAYER: &CStr = c"application/vnd.oci.image.layer.v1.tar";
pub const KOC_MT_OCI_LAYER_GZIP: &CStr = c"application/vnd.oci.image.layer.v1.tar+gzip";
pub const KOC_MT_OCI_LAYER_ZSTD: &CStr = c"application/vnd.oci.image.layer.v1.tar+zstd";
pub const KOC_MT_DOCKER_LIST: &CStr = c"application/vnd.docker.distribution.manifest.list.v2+json";
pub const KOC_MT_DOCKER_MANIFEST: &CStr = c"application/vnd.docker.distribution.manifest.v2+json";
pub const KOC_MT_DOCKER_CONFIG: &CStr = c"application/vnd.docker.container.image.v1+json";
pub const KOC_MT_DOCKER_LAYER: &CStr = c"application/vnd.docker.image.rootfs.diff.tar";
pub const KOC_MT_DOCKER_LAYER_GZIP: &CStr = c"application/vnd.docker.image.rootfs.diff.tar.gzip";
pub const KOC_PREDICATE_SIGNATURE: &CStr = c"https://sigstore.dev/cosign/sign/v1";

#[repr(C)]
pub struct koc_error {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_ctx {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_cancel {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_strlist {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_hasher {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_reader {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_file {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_blob {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_reference {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_image {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_image_builder {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_index {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_index_builder {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_layer {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_layer_builder {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_layout {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_client {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_auth {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_credential {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_transport {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_transport_reply {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_resolver {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_artifact {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_source {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_edit {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_built {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_published {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_daemon {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct koc_key {
    _opaque: [u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_str {
    pub ptr: *const c_char,
    pub len: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_buf {
    pub ptr: *mut c_char,
    pub len: usize,
    pub capacity: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_kv {
    pub key: *const c_char,
    pub value: *const c_char,
}

pub type koc_code = i32;

pub type koc_hint = i32;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_digest {
    pub algorithm: u8,
    pub len: u8,
    pub reserved: [u8; 6],
    pub bytes: [u8; 64],
}

pub type koc_log_fn = Option<unsafe extern "C" fn(level: i32, component: *const c_char, message: *const c_char, payload: *mut c_void)>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_ctx_options {
    pub struct_size: u32,
    pub flags: u32,
    pub log: koc_log_fn,
    pub log_payload: *mut c_void,
    pub log_level: i32,
    pub threads: u32,
    pub cache_dir: *const c_char,
    pub max_memory: u64,
    pub log_release: Option<unsafe extern "C" fn(log_payload: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_progress {
    pub struct_size: u32,
    pub kind: i32,
    pub state: i32,
    pub flags: u32,
    pub what: *const c_char,
    pub digest: *const koc_digest,
    pub done: u64,
    pub total: u64,
    pub id: u64,
    pub reason: *const c_char,
    pub wait_ms: i64,
    pub attempt: u32,
    pub reserved: u32,
    pub name: *const c_char,
    pub platform: *const c_char,
}

pub type koc_progress_fn = Option<unsafe extern "C" fn(event: *const koc_progress, payload: *mut c_void) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_op {
    pub struct_size: u32,
    pub flags: u32,
    pub cancel: *mut koc_cancel,
    pub timeout_ms: i64,
    pub progress: koc_progress_fn,
    pub payload: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_reader_ops {
    pub struct_size: u32,
    pub flags: u32,
    pub read: Option<unsafe extern "C" fn(self_: *mut c_void, buf: *mut c_void, len: usize, n_read: *mut usize, err: *mut *mut koc_error) -> c_int>,
    pub close: Option<unsafe extern "C" fn(self_: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_blob_ops {
    pub struct_size: u32,
    pub flags: u32,
    pub open: Option<unsafe extern "C" fn(self_: *mut c_void, offset: u64, op: *const koc_op, out: *mut *mut koc_reader, err: *mut *mut koc_error) -> c_int>,
    pub release: Option<unsafe extern "C" fn(self_: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_writer {
    pub write: Option<unsafe extern "C" fn(self_: *mut c_void, data: *const c_void, len: usize, err: *mut *mut koc_error) -> c_int>,
    pub self_: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_platform {
    pub struct_size: u32,
    pub flags: u32,
    pub os: *const c_char,
    pub arch: *const c_char,
    pub variant: *const c_char,
    pub os_version: *const c_char,
    pub os_features: *const *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_descriptor {
    pub struct_size: u32,
    pub flags: u32,
    pub digest: koc_digest,
    pub size: u64,
    pub media_type: *const c_char,
    pub artifact_type: *const c_char,
    pub platform: *const koc_platform,
    pub annotations: *const koc_kv,
    pub n_annotations: usize,
    pub urls: *const *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_history {
    pub struct_size: u32,
    pub flags: u32,
    pub created: *const c_char,
    pub created_by: *const c_char,
    pub author: *const c_char,
    pub comment: *const c_char,
    pub empty_layer: i32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_add_layer_options {
    pub struct_size: u32,
    pub flags: u32,
    pub created_by: *const c_char,
    pub comment: *const c_char,
    pub author: *const c_char,
    pub created: i64,
    pub annotations: *const koc_kv,
    pub n_annotations: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_layer_options {
    pub struct_size: u32,
    pub flags: u32,
    pub compression: i32,
    pub level: i32,
    pub mtime: i64,
    pub format_version: u32,
    pub reserved: u32,
    pub chunk_size: u64,
    pub media_type: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_entry {
    pub struct_size: u32,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: i64,
    pub flags: u32,
    pub reserved: u32,
    pub xattrs: *const koc_kv,
    pub n_xattrs: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_tree_options {
    pub struct_size: u32,
    pub flags: u32,
    pub defaults: *const koc_entry,
    pub filter: Option<unsafe extern "C" fn(rel_path: *const c_char, entry: *mut koc_entry, payload: *mut c_void) -> c_int>,
    pub payload: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_archive_image {
    pub struct_size: u32,
    pub flags: u32,
    pub image: *mut koc_image,
    pub tags: *const *mut koc_reference,
    pub n_tags: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_auth_ops {
    pub struct_size: u32,
    pub flags: u32,
    pub get: Option<unsafe extern "C" fn(self_: *mut c_void, registry: *const c_char, repository: *const c_char, op: *const koc_op, out: *mut *mut koc_credential, err: *mut *mut koc_error) -> c_int>,
    pub rejected: Option<unsafe extern "C" fn(self_: *mut c_void, registry: *const c_char)>,
    pub release: Option<unsafe extern "C" fn(self_: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_transport_request {
    pub struct_size: u32,
    pub flags: u32,
    pub method: *const c_char,
    pub url: *const c_char,
    pub headers: *const koc_kv,
    pub n_headers: usize,
    pub body: *mut koc_reader,
    pub body_size: u64,
    pub op: *const koc_op,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_transport_ops {
    pub struct_size: u32,
    pub flags: u32,
    pub send: Option<unsafe extern "C" fn(self_: *mut c_void, request: *const koc_transport_request, reply: *mut koc_transport_reply, err: *mut *mut koc_error) -> c_int>,
    pub release: Option<unsafe extern "C" fn(self_: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_trace {
    pub struct_size: u32,
    pub flags: u32,
    pub kind: i32,
    pub status: i32,
    pub method: *const c_char,
    pub url: *const c_char,
    pub headers: *const koc_kv,
    pub n_headers: usize,
    pub ms: i64,
}

pub type koc_trace_fn = Option<unsafe extern "C" fn(event: *const koc_trace, payload: *mut c_void) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_client_options {
    pub struct_size: u32,
    pub flags: u32,
    pub auth: *mut koc_auth,
    pub user_agent: *const c_char,
    pub ca_file: *const c_char,
    pub allow_http: *const *const c_char,
    pub max_connections: u32,
    pub max_attempts: u32,
    pub connect_timeout_ms: i64,
    pub response_timeout_ms: i64,
    pub requests_per_second: u32,
    pub reserved: u32,
    pub headers: *const koc_kv,
    pub n_headers: usize,
    pub transport: *mut koc_transport,
    pub trace: koc_trace_fn,
    pub trace_payload: *mut c_void,
    pub trace_release: Option<unsafe extern "C" fn(trace_payload: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_push_options {
    pub struct_size: u32,
    pub flags: u32,
    pub extra_tags: *const *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_resolver_options {
    pub struct_size: u32,
    pub flags: u32,
    pub prefix: *const c_char,
    pub selector: *const c_char,
    pub max_bytes: u64,
    pub max_depth: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_artifact_file {
    pub struct_size: u32,
    pub flags: u32,
    pub media_type: *const c_char,
    pub title: *const c_char,
    pub source: *const c_char,
    pub content: koc_str,
    pub annotations: *const koc_kv,
    pub n_annotations: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_artifact_options {
    pub struct_size: u32,
    pub flags: u32,
    pub artifact_type: *const c_char,
    pub config_media_type: *const c_char,
    pub config: koc_str,
    pub subject: *const koc_descriptor,
    pub files: *const koc_artifact_file,
    pub n_files: usize,
    pub annotations: *const koc_kv,
    pub n_annotations: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_place {
    pub struct_size: u32,
    pub flags: u32,
    pub kind: i32,
    pub reserved: u32,
    pub reference: *mut koc_reference,
    pub path: *const c_char,
    pub name: *const c_char,
    pub digest: *const koc_digest,
    pub image: *mut koc_image,
    pub index: *mut koc_index,
    pub artifact: *mut koc_artifact,
}

pub type koc_check_fn = Option<unsafe extern "C" fn(what: *const c_char, problem: *const c_char, payload: *mut c_void) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_copy_options {
    pub struct_size: u32,
    pub flags: u32,
    pub platforms: *const *const c_char,
    pub jobs: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_copy_pair {
    pub struct_size: u32,
    pub flags: u32,
    pub from: *const koc_place,
    pub to: *const koc_place,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_copy_result {
    pub struct_size: u32,
    pub flags: u32,
    pub digest: koc_digest,
    pub bytes: u64,
    pub blobs: u32,
    pub copied: u32,
    pub mounted: u32,
    pub unchanged: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_image_changes {
    pub struct_size: u32,
    pub flags: u32,
    pub env: *const koc_kv,
    pub n_env: usize,
    pub labels: *const koc_kv,
    pub n_labels: usize,
    pub annotations: *const koc_kv,
    pub n_annotations: usize,
    pub entrypoint: *const *const c_char,
    pub cmd: *const *const c_char,
    pub user: *const c_char,
    pub workdir: *const c_char,
    pub stopsignal: *const c_char,
    pub author: *const c_char,
    pub ports: *const *const c_char,
    pub volumes: *const *const c_char,
    pub created: i64,
    pub platform: *const koc_platform,
    pub config: *const koc_kv,
    pub n_config: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_image_file {
    pub struct_size: u32,
    pub layer: u32,
    pub path: *const c_char,
    pub source: *const c_char,
    pub link: *const c_char,
    pub content: koc_str,
    pub platform: *const c_char,
    pub entry: *const koc_entry,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_image_spec {
    pub struct_size: u32,
    pub flags: u32,
    pub client: *mut koc_client,
    pub base: *const c_char,
    pub platforms: *const *const c_char,
    pub layers: *const *mut koc_layer,
    pub n_layers: usize,
    pub files: *const koc_image_file,
    pub n_files: usize,
    pub changes: *const koc_image_changes,
    pub targets: *const *const c_char,
    pub tags: *const *const c_char,
    pub mtime: i64,
    pub compression: i32,
    pub level: i32,
    pub created_by: *const c_char,
}

pub type koc_published_fn = Option<unsafe extern "C" fn(import_path: *const c_char, reference: *const c_char, payload: *mut c_void) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_publish_options {
    pub struct_size: u32,
    pub flags: u32,
    pub client: *mut koc_client,
    pub import_paths: *const *const c_char,
    pub repository: *const c_char,
    pub tags: *const *const c_char,
    pub platforms: *const *const c_char,
    pub config_path: *const c_char,
    pub base_image: *const c_char,
    pub ldflags: *const *const c_char,
    pub labels: *const *const c_char,
    pub annotations: *const *const c_char,
    pub user: *const c_char,
    pub oci_layout_path: *const c_char,
    pub tarball: *const c_char,
    pub image_refs: *const c_char,
    pub sbom_dir: *const c_char,
    pub sbom: i32,
    pub compression: i32,
    pub level: i32,
    pub jobs: i32,
    pub published: koc_published_fn,
    pub published_payload: *mut c_void,
    pub delve_version: *const c_char,
    pub into: *const c_char,
    pub sbom_formats: *const *const c_char,
    pub sbom_author: *const c_char,
}

pub type koc_publish_setting_fn = Option<unsafe extern "C" fn(name: *const c_char, value: *const c_char, payload: *mut c_void) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_serve_options {
    pub struct_size: u32,
    pub flags: u32,
    pub address: *const c_char,
    pub repository: *const c_char,
    pub tls_cert: *const c_char,
    pub tls_key: *const c_char,
    pub max_blob: u64,
    pub max_connections: u32,
    pub reserved: u32,
    pub ready: Option<unsafe extern "C" fn(url: *const c_char, payload: *mut c_void) -> c_int>,
    pub payload: *mut c_void,
    pub allow_hosts: *const *const c_char,
}

pub type koc_password_fn = Option<unsafe extern "C" fn(payload: *mut c_void, what: *const c_char, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_signer_ops {
    pub struct_size: u32,
    pub flags: u32,
    pub sign: Option<unsafe extern "C" fn(self_: *mut c_void, message: koc_str, hash: *const koc_digest, signature: *mut koc_buf, err: *mut *mut koc_error) -> c_int>,
    pub release: Option<unsafe extern "C" fn(self_: *mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_signature {
    pub struct_size: u32,
    pub flags: u32,
    pub state: i32,
    pub reserved: u32,
    pub subject: *const koc_digest,
    pub platform: *const c_char,
    pub digest: *const koc_digest,
    pub predicate_type: *const c_char,
    pub key: *const c_char,
    pub reason: *const c_char,
}

pub type koc_signature_fn = Option<unsafe extern "C" fn(s: *const koc_signature, payload: *mut c_void) -> c_int>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_sign_options {
    pub struct_size: u32,
    pub flags: u32,
    pub key: *mut koc_key,
    pub predicate_type: *const c_char,
    pub predicate: koc_str,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct koc_verify_options {
    pub struct_size: u32,
    pub flags: u32,
    pub keys: *const *mut koc_key,
    pub n_keys: usize,
    pub require: *const *const c_char,
    pub source: *const c_char,
    pub revision: *const c_char,
    pub builder: *const c_char,
    pub base: *const c_char,
    pub max_age_s: i64,
}

pub type koc_cache_usage_fn = Option<unsafe extern "C" fn(kind: *const c_char, entries: u64, bytes: u64, payload: *mut c_void) -> c_int>;

sized! {
    koc_ctx_options
    koc_progress
    koc_op
    koc_reader_ops
    koc_blob_ops
    koc_platform
    koc_descriptor
    koc_history
    koc_add_layer_options
    koc_layer_options
    koc_entry
    koc_tree_options
    koc_archive_image
    koc_auth_ops
    koc_transport_request
    koc_transport_ops
    koc_trace
    koc_client_options
    koc_push_options
    koc_resolver_options
    koc_artifact_file
    koc_artifact_options
    koc_place
    koc_copy_options
    koc_copy_pair
    koc_copy_result
    koc_image_changes
    koc_image_file
    koc_image_spec
    koc_publish_options
    koc_serve_options
    koc_signer_ops
    koc_signature
    koc_sign_options
    koc_verify_options
}

extern "C" {
    pub fn koc_error_code(e: *const koc_error) -> koc_code;
    pub fn koc_error_message(e: *const koc_error) -> *const c_char;
    pub fn koc_error_hint(e: *const koc_error) -> *const c_char;
    pub fn koc_error_hint_kind(e: *const koc_error) -> koc_hint;
    pub fn koc_error_hint_argument(e: *const koc_error) -> *const c_char;
    pub fn koc_error_option(e: *const koc_error) -> *const c_char;
    pub fn koc_error_detail(e: *const koc_error) -> *const c_char;
    pub fn koc_error_cause(e: *const koc_error) -> *const koc_error;
    pub fn koc_error_http_status(e: *const koc_error) -> c_int;
    pub fn koc_error_registry_code(e: *const koc_error) -> *const c_char;
    pub fn koc_error_is_retryable(e: *const koc_error) -> bool;
    pub fn koc_error_new(code: koc_code, message: *const c_char) -> *mut koc_error;
    pub fn koc_error_new_option(option: *const c_char, message: *const c_char) -> *mut koc_error;
    pub fn koc_error_free(e: *mut koc_error);
    pub fn koc_code_name(code: koc_code) -> *const c_char;
    pub fn koc_digest_parse(text: *const c_char, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_digest_format(d: *const koc_digest, out: *mut c_char, out_size: usize, err: *mut *mut koc_error) -> c_int;
    pub fn koc_digest_equal(a: *const koc_digest, b: *const koc_digest) -> bool;
    pub fn koc_digest_of(data: koc_str, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_hasher_new(algorithm: i32, out: *mut *mut koc_hasher, err: *mut *mut koc_error) -> c_int;
    pub fn koc_hasher_update(h: *mut koc_hasher, data: koc_str);
    pub fn koc_hasher_finish(h: *mut koc_hasher, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_hasher_free(h: *mut koc_hasher);
    pub fn koc_ctx_new(opts: *const koc_ctx_options, out: *mut *mut koc_ctx, err: *mut *mut koc_error) -> c_int;
    pub fn koc_ctx_ref(ctx: *mut koc_ctx) -> *mut koc_ctx;
    pub fn koc_ctx_unref(ctx: *mut koc_ctx);
    pub fn koc_init(err: *mut *mut koc_error) -> c_int;
    pub fn koc_version_number() -> u32;
    pub fn koc_version_string() -> *const c_char;
    pub fn koc_features() -> u64;
    pub fn koc_feature_detail(feature: u64) -> *const c_char;
    pub fn koc_cancel_new(out: *mut *mut koc_cancel, err: *mut *mut koc_error) -> c_int;
    pub fn koc_cancel_ref(c: *mut koc_cancel) -> *mut koc_cancel;
    pub fn koc_cancel_unref(c: *mut koc_cancel);
    pub fn koc_cancel_trigger(c: *mut koc_cancel);
    pub fn koc_cancel_is_triggered(c: *const koc_cancel) -> bool;
    pub fn koc_buf_set(b: *mut koc_buf, data: koc_str, err: *mut *mut koc_error) -> c_int;
    pub fn koc_buf_dispose(b: *mut koc_buf);
    pub fn koc_buf_wipe(b: *mut koc_buf);
    pub fn koc_printable(text: koc_str, colors: bool, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_strlist_count(l: *const koc_strlist) -> usize;
    pub fn koc_strlist_get(l: *const koc_strlist, i: usize) -> *const c_char;
    pub fn koc_strlist_free(l: *mut koc_strlist);
    pub fn koc_file_new(path: *const c_char, mode: u32, op: *const koc_op, out: *mut *mut koc_file, err: *mut *mut koc_error) -> c_int;
    pub fn koc_file_write(file: *mut c_void, data: *const c_void, len: usize, err: *mut *mut koc_error) -> c_int;
    pub fn koc_file_finish(f: *mut koc_file, err: *mut *mut koc_error) -> c_int;
    pub fn koc_file_free(f: *mut koc_file);
    pub fn koc_blob_from_bytes(data: koc_str, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_blob_from_file(path: *const c_char, expect: *const koc_digest, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_blob_from_stream(path: *const c_char, op: *const koc_op, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_blob_new(ops: *const koc_blob_ops, self_: *mut c_void, size: u64, digest: *const koc_digest, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_blob_ref(b: *mut koc_blob) -> *mut koc_blob;
    pub fn koc_blob_unref(b: *mut koc_blob);
    pub fn koc_blob_size(b: *const koc_blob) -> u64;
    pub fn koc_blob_digest(b: *mut koc_blob, op: *const koc_op, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_blob_open(b: *mut koc_blob, offset: u64, op: *const koc_op, out: *mut *mut koc_reader, err: *mut *mut koc_error) -> c_int;
    pub fn koc_blob_read_all(b: *mut koc_blob, max: usize, op: *const koc_op, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_reader_new(ops: *const koc_reader_ops, self_: *mut c_void, out: *mut *mut koc_reader, err: *mut *mut koc_error) -> c_int;
    pub fn koc_reader_read(r: *mut koc_reader, buf: *mut c_void, len: usize, n_read: *mut usize, err: *mut *mut koc_error) -> c_int;
    pub fn koc_reader_finish(r: *mut koc_reader, err: *mut *mut koc_error) -> c_int;
    pub fn koc_reader_free(r: *mut koc_reader);
    pub fn koc_reference_parse(text: *const c_char, flags: u32, out: *mut *mut koc_reference, err: *mut *mut koc_error) -> c_int;
    pub fn koc_reference_ref(r: *mut koc_reference) -> *mut koc_reference;
    pub fn koc_reference_unref(r: *mut koc_reference);
    pub fn koc_reference_registry(r: *const koc_reference) -> *const c_char;
    pub fn koc_reference_repository(r: *const koc_reference) -> *const c_char;
    pub fn koc_reference_tag(r: *const koc_reference) -> *const c_char;
    pub fn koc_reference_digest(r: *const koc_reference) -> *const koc_digest;
    pub fn koc_reference_string(r: *const koc_reference) -> *const c_char;
    pub fn koc_reference_with_tag(r: *const koc_reference, tag: *const c_char, out: *mut *mut koc_reference, err: *mut *mut koc_error) -> c_int;
    pub fn koc_reference_with_digest(r: *const koc_reference, d: *const koc_digest, out: *mut *mut koc_reference, err: *mut *mut koc_error) -> c_int;
    pub fn koc_platform_parse(text: *const c_char, storage: *mut koc_buf, out: *mut koc_platform, err: *mut *mut koc_error) -> c_int;
    pub fn koc_platform_format(p: *const koc_platform, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_platform_matches(want: *const koc_platform, have: *const koc_platform) -> bool;
    pub fn koc_image_from_bytes(ctx: *mut koc_ctx, manifest: koc_str, config: koc_str, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_ref(img: *mut koc_image) -> *mut koc_image;
    pub fn koc_image_unref(img: *mut koc_image);
    pub fn koc_image_descriptor(img: *const koc_image) -> *const koc_descriptor;
    pub fn koc_image_manifest(img: *const koc_image) -> koc_str;
    pub fn koc_image_config(img: *const koc_image) -> koc_str;
    pub fn koc_image_config_descriptor(img: *const koc_image) -> *const koc_descriptor;
    pub fn koc_image_platform(img: *const koc_image) -> *const koc_platform;
    pub fn koc_image_layer_count(img: *const koc_image) -> usize;
    pub fn koc_image_layer(img: *const koc_image, i: usize) -> *mut koc_layer;
    pub fn koc_image_annotation(img: *const koc_image, key: *const c_char) -> *const c_char;
    pub fn koc_image_label(img: *const koc_image, key: *const c_char) -> *const c_char;
    pub fn koc_image_env(img: *const koc_image, name: *const c_char) -> *const c_char;
    pub fn koc_image_config_get(img: *const koc_image, json_pointer: *const c_char, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_str(img: *const koc_image, field: i32) -> *const c_char;
    pub fn koc_image_list(img: *const koc_image, field: i32, out: *mut *mut koc_strlist, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_history_count(img: *const koc_image) -> usize;
    pub fn koc_image_history(img: *const koc_image, i: usize, out: *mut koc_history, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_new(ctx: *mut koc_ctx, base: *mut koc_image, out: *mut *mut koc_image_builder, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_free(b: *mut koc_image_builder);
    pub fn koc_image_builder_add_layer(b: *mut koc_image_builder, layer: *mut koc_layer, opts: *const koc_add_layer_options, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_entrypoint(b: *mut koc_image_builder, argv: *const *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_cmd(b: *mut koc_image_builder, argv: *const *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_env(b: *mut koc_image_builder, name: *const c_char, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_label(b: *mut koc_image_builder, key: *const c_char, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_annotation(b: *mut koc_image_builder, key: *const c_char, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_str(b: *mut koc_image_builder, field: i32, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_add_str(b: *mut koc_image_builder, field: i32, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_remove_str(b: *mut koc_image_builder, field: i32, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_config(b: *mut koc_image_builder, json_pointer: *const c_char, json: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_created(b: *mut koc_image_builder, epoch_seconds: i64, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_platform(b: *mut koc_image_builder, p: *const koc_platform, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_format(b: *mut koc_image_builder, format: i32, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_set_subject(b: *mut koc_image_builder, subject: *const koc_descriptor, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_builder_finish(b: *mut koc_image_builder, op: *const koc_op, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_from_bytes(ctx: *mut koc_ctx, bytes: koc_str, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_ref(idx: *mut koc_index) -> *mut koc_index;
    pub fn koc_index_unref(idx: *mut koc_index);
    pub fn koc_index_descriptor(idx: *const koc_index) -> *const koc_descriptor;
    pub fn koc_index_bytes(idx: *const koc_index) -> koc_str;
    pub fn koc_index_count(idx: *const koc_index) -> usize;
    pub fn koc_index_get(idx: *const koc_index, i: usize) -> *const koc_descriptor;
    pub fn koc_index_select(idx: *const koc_index, want: *const koc_platform) -> *const koc_descriptor;
    pub fn koc_index_image(idx: *const koc_index, i: usize) -> *mut koc_image;
    pub fn koc_index_builder_new(ctx: *mut koc_ctx, format: i32, out: *mut *mut koc_index_builder, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_builder_free(b: *mut koc_index_builder);
    pub fn koc_index_builder_add_image(b: *mut koc_index_builder, img: *mut koc_image, p: *const koc_platform, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_builder_add_descriptor(b: *mut koc_index_builder, d: *const koc_descriptor, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_builder_set_annotation(b: *mut koc_index_builder, key: *const c_char, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_builder_finish(b: *mut koc_index_builder, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_new(ctx: *mut koc_ctx, opts: *const koc_layer_options, out: *mut *mut koc_layer_builder, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_free(b: *mut koc_layer_builder);
    pub fn koc_layer_builder_add_file(b: *mut koc_layer_builder, path: *const c_char, source: *const c_char, e: *const koc_entry, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_add_bytes(b: *mut koc_layer_builder, path: *const c_char, data: koc_str, e: *const koc_entry, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_add_blob(b: *mut koc_layer_builder, path: *const c_char, data: *mut koc_blob, e: *const koc_entry, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_add_dir(b: *mut koc_layer_builder, path: *const c_char, e: *const koc_entry, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_add_symlink(b: *mut koc_layer_builder, path: *const c_char, target: *const c_char, e: *const koc_entry, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_add_hardlink(b: *mut koc_layer_builder, path: *const c_char, target: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_add_tree(b: *mut koc_layer_builder, path: *const c_char, source_dir: *const c_char, opts: *const koc_tree_options, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_builder_finish(b: *mut koc_layer_builder, op: *const koc_op, out: *mut *mut koc_layer, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_from_tar(ctx: *mut koc_ctx, tar: *mut koc_blob, opts: *const koc_layer_options, op: *const koc_op, out: *mut *mut koc_layer, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_import(ctx: *mut koc_ctx, tar: *mut koc_blob, name: *const c_char, opts: *const koc_layer_options, op: *const koc_op, out: *mut *mut koc_layer, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_from_blob(ctx: *mut koc_ctx, d: *const koc_descriptor, diff_id: *const koc_digest, compressed: *mut koc_blob, out: *mut *mut koc_layer, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_ref(l: *mut koc_layer) -> *mut koc_layer;
    pub fn koc_layer_unref(l: *mut koc_layer);
    pub fn koc_layer_descriptor(l: *const koc_layer) -> *const koc_descriptor;
    pub fn koc_layer_diff_id(l: *mut koc_layer, op: *const koc_op, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_uncompressed_size(l: *const koc_layer) -> u64;
    pub fn koc_layer_open(l: *mut koc_layer, op: *const koc_op, out: *mut *mut koc_reader, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layer_open_tar(l: *mut koc_layer, op: *const koc_op, out: *mut *mut koc_reader, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layout_open(ctx: *mut koc_ctx, dir: *const c_char, flags: u32, out: *mut *mut koc_layout, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layout_ref(l: *mut koc_layout) -> *mut koc_layout;
    pub fn koc_layout_unref(l: *mut koc_layout);
    pub fn koc_layout_list(l: *mut koc_layout, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layout_get_image(l: *mut koc_layout, d: *const koc_digest, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layout_get_index(l: *mut koc_layout, d: *const koc_digest, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layout_put_image(l: *mut koc_layout, img: *mut koc_image, ref_name: *const c_char, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_layout_put_index(l: *mut koc_layout, idx: *mut koc_index, ref_name: *const c_char, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_archive_write(ctx: *mut koc_ctx, list: *const koc_archive_image, n: usize, w: *const koc_writer, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_archive_read(ctx: *mut koc_ctx, path: *const c_char, i: usize, op: *const koc_op, out: *mut *mut koc_image, count: *mut usize, err: *mut *mut koc_error) -> c_int;
    pub fn koc_credential_new(kind: i32, username: *const c_char, secret: *const c_char, out: *mut *mut koc_credential, err: *mut *mut koc_error) -> c_int;
    pub fn koc_credential_kind(cred: *const koc_credential) -> i32;
    pub fn koc_credential_username(cred: *const koc_credential) -> *const c_char;
    pub fn koc_credential_secret(cred: *const koc_credential) -> *const c_char;
    pub fn koc_credential_source(cred: *const koc_credential) -> *const c_char;
    pub fn koc_credential_free(cred: *mut koc_credential);
    pub fn koc_auth_docker(config_path: *const c_char, out: *mut *mut koc_auth, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_registry(text: *const c_char, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_docker_store(config_path: *const c_char, registry: *const c_char, cred: *const koc_credential, op: *const koc_op, where_: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_docker_erase(config_path: *const c_char, registry: *const c_char, op: *const koc_op, where_: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_static(registry: *const c_char, cred: *const koc_credential, out: *mut *mut koc_auth, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_chain(list: *const *mut koc_auth, n: usize, out: *mut *mut koc_auth, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_new(ops: *const koc_auth_ops, self_: *mut c_void, out: *mut *mut koc_auth, err: *mut *mut koc_error) -> c_int;
    pub fn koc_auth_ref(a: *mut koc_auth) -> *mut koc_auth;
    pub fn koc_auth_unref(a: *mut koc_auth);
    pub fn koc_auth_lookup(a: *mut koc_auth, registry: *const c_char, repository: *const c_char, op: *const koc_op, out: *mut *mut koc_credential, err: *mut *mut koc_error) -> c_int;
    pub fn koc_transport_new(ops: *const koc_transport_ops, self_: *mut c_void, out: *mut *mut koc_transport, err: *mut *mut koc_error) -> c_int;
    pub fn koc_transport_ref(t: *mut koc_transport) -> *mut koc_transport;
    pub fn koc_transport_unref(t: *mut koc_transport);
    pub fn koc_transport_reply_set_status(r: *mut koc_transport_reply, status: c_int, err: *mut *mut koc_error) -> c_int;
    pub fn koc_transport_reply_add_header(r: *mut koc_transport_reply, name: *const c_char, value: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_transport_reply_set_body(r: *mut koc_transport_reply, body: *mut koc_reader, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_new(ctx: *mut koc_ctx, opts: *const koc_client_options, out: *mut *mut koc_client, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_ref(c: *mut koc_client) -> *mut koc_client;
    pub fn koc_client_unref(c: *mut koc_client);
    pub fn koc_client_resolve(c: *mut koc_client, r: *const koc_reference, op: *const koc_op, storage: *mut koc_buf, out: *mut koc_descriptor, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_get_manifest(c: *mut koc_client, r: *const koc_reference, op: *const koc_op, bytes: *mut koc_buf, media_type: *mut koc_buf, digest: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_put_manifest(c: *mut koc_client, r: *const koc_reference, media_type: *const c_char, bytes: koc_str, op: *const koc_op, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_get_image(c: *mut koc_client, r: *const koc_reference, want: *const koc_platform, op: *const koc_op, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_get_index(c: *mut koc_client, r: *const koc_reference, op: *const koc_op, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_push_image(c: *mut koc_client, r: *const koc_reference, img: *mut koc_image, o: *const koc_push_options, op: *const koc_op, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_push_index(c: *mut koc_client, r: *const koc_reference, idx: *mut koc_index, o: *const koc_push_options, op: *const koc_op, out: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_get_blob(c: *mut koc_client, repo: *const koc_reference, d: *const koc_descriptor, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_stat_blob(c: *mut koc_client, r: *const koc_reference, op: *const koc_op, size: *mut u64, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_put_blob(c: *mut koc_client, repo: *const koc_reference, b: *mut koc_blob, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_list_tags(c: *mut koc_client, repo: *const koc_reference, op: *const koc_op, out: *mut *mut koc_strlist, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_list_repositories(c: *mut koc_client, registry: *const c_char, op: *const koc_op, out: *mut *mut koc_strlist, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_delete_manifest(c: *mut koc_client, r: *const koc_reference, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_list_referrers(c: *mut koc_client, subject: *const koc_reference, artifact_type: *const c_char, op: *const koc_op, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_check_login(c: *mut koc_client, registry: *const c_char, op: *const koc_op, asked: *mut bool, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_lookup(c: *mut koc_client, registry: *const c_char, repository: *const c_char, op: *const koc_op, out: *mut *mut koc_credential, err: *mut *mut koc_error) -> c_int;
    pub fn koc_client_get_token(c: *mut koc_client, repo: *const koc_reference, access: u32, mounts: *const *const c_char, op: *const koc_op, token: *mut koc_buf, lifetime_ms: *mut i64, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_new(ctx: *mut koc_ctx, opts: *const koc_resolver_options, out: *mut *mut koc_resolver, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_free(r: *mut koc_resolver);
    pub fn koc_resolver_add_bytes(r: *mut koc_resolver, label: *const c_char, yaml: koc_str, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_add_file(r: *mut koc_resolver, path: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_add_dir(r: *mut koc_resolver, path: *const c_char, recursive: bool, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_count(r: *const koc_resolver) -> usize;
    pub fn koc_resolver_label(r: *const koc_resolver, i: usize) -> *const c_char;
    pub fn koc_resolver_references(r: *const koc_resolver, out: *mut *mut koc_strlist, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_place(r: *mut koc_resolver, reference: *const c_char) -> *const c_char;
    pub fn koc_resolver_locate(r: *mut koc_resolver, error: *mut *mut koc_error);
    pub fn koc_resolver_warnings(r: *const koc_resolver) -> *const koc_strlist;
    pub fn koc_resolver_set(r: *mut koc_resolver, reference: *const c_char, replacement: *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_read_map(r: *mut koc_resolver, label: *const c_char, json: koc_str, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_write_map(r: *const koc_resolver, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_replacement(r: *const koc_resolver, reference: *const c_char) -> *const c_char;
    pub fn koc_resolver_is_ready(r: *const koc_resolver, i: usize) -> bool;
    pub fn koc_resolver_write_input(r: *mut koc_resolver, i: usize, w: *const koc_writer, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_write(r: *mut koc_resolver, w: *const koc_writer, err: *mut *mut koc_error) -> c_int;
    pub fn koc_resolver_write_ready(r: *mut koc_resolver, w: *const koc_writer, complete: *mut bool, err: *mut *mut koc_error) -> c_int;
    pub fn koc_artifact_new(ctx: *mut koc_ctx, o: *const koc_artifact_options, out: *mut *mut koc_artifact, err: *mut *mut koc_error) -> c_int;
    pub fn koc_artifact_ref(a: *mut koc_artifact) -> *mut koc_artifact;
    pub fn koc_artifact_unref(a: *mut koc_artifact);
    pub fn koc_artifact_descriptor(a: *const koc_artifact) -> *const koc_descriptor;
    pub fn koc_artifact_manifest(a: *const koc_artifact) -> koc_str;
    pub fn koc_place_parse(text: *const c_char, flags: u32, storage: *mut koc_buf, out: *mut koc_place, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_open(ctx: *mut koc_ctx, client: *mut koc_client, p: *const koc_place, op: *const koc_op, out: *mut *mut koc_source, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_free(s: *mut koc_source);
    pub fn koc_source_descriptor(s: *const koc_source) -> *const koc_descriptor;
    pub fn koc_source_manifest(s: *const koc_source) -> koc_str;
    pub fn koc_source_get_manifest(s: *mut koc_source, d: *const koc_digest, op: *const koc_op, bytes: *mut koc_buf, media_type: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_get_blob(s: *mut koc_source, d: *const koc_descriptor, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_get_image(s: *mut koc_source, want: *const koc_platform, op: *const koc_op, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_get_image_by(s: *mut koc_source, d: *const koc_digest, op: *const koc_op, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_list_referrers(s: *mut koc_source, subject: *const koc_digest, artifact_type: *const c_char, op: *const koc_op, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_inspect(s: *mut koc_source, want: *const koc_platform, op: *const koc_op, json: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_source_check(s: *mut koc_source, flags: u32, fn_: koc_check_fn, payload: *mut c_void, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_copy(ctx: *mut koc_ctx, client: *mut koc_client, pairs: *const koc_copy_pair, n: usize, opts: *const koc_copy_options, op: *const koc_op, results: *mut koc_copy_result, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_rebase(img: *mut koc_image, old_base: *mut koc_image, new_base: *mut koc_image, annotations: *const koc_kv, n: usize, out: *mut *mut koc_image, err: *mut *mut koc_error) -> c_int;
    pub fn koc_index_with_images(idx: *mut koc_index, images: *const *mut koc_image, annotations: *const koc_kv, n: usize, out: *mut *mut koc_index, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_flatten(img: *mut koc_image, w: *const koc_writer, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_image_get_file(img: *mut koc_image, path: *const c_char, op: *const koc_op, out: *mut *mut koc_blob, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_open(ctx: *mut koc_ctx, client: *mut koc_client, from: *const koc_place, platforms: *const *const c_char, op: *const koc_op, out: *mut *mut koc_edit, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_new(ctx: *mut koc_ctx, platforms: *const *const c_char, out: *mut *mut koc_edit, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_free(e: *mut koc_edit);
    pub fn koc_edit_count(e: *const koc_edit) -> usize;
    pub fn koc_edit_image(e: *const koc_edit, i: usize) -> *mut koc_image;
    pub fn koc_edit_select(e: *mut koc_edit, platforms: *const *const c_char, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_record_base(e: *mut koc_edit, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_add_layers(e: *mut koc_edit, layers: *const *mut koc_layer, n: usize, o: *const koc_add_layer_options, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_add_files(e: *mut koc_edit, files: *const koc_image_file, n: usize, layer: *const koc_layer_options, o: *const koc_add_layer_options, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_change(e: *mut koc_edit, c: *const koc_image_changes, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_rebase(e: *mut koc_edit, client: *mut koc_client, old_base: *const koc_place, new_base: *const koc_place, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_place(e: *const koc_edit, out: *mut koc_place, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_descriptor(e: *const koc_edit) -> *const koc_descriptor;
    pub fn koc_edit_report(e: *const koc_edit, reference: *const c_char, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_edit_warnings(e: *const koc_edit) -> *const koc_strlist;
    pub fn koc_build_image(ctx: *mut koc_ctx, spec: *const koc_image_spec, op: *const koc_op, out: *mut *mut koc_built, err: *mut *mut koc_error) -> c_int;
    pub fn koc_built_free(b: *mut koc_built);
    pub fn koc_built_descriptor(b: *const koc_built) -> *const koc_descriptor;
    pub fn koc_built_reference(b: *const koc_built, i: usize) -> *const c_char;
    pub fn koc_built_count(b: *const koc_built) -> usize;
    pub fn koc_built_image(b: *const koc_built, i: usize) -> *mut koc_image;
    pub fn koc_built_report(b: *const koc_built) -> koc_str;
    pub fn koc_built_warnings(b: *const koc_built) -> *const koc_strlist;
    pub fn koc_publish(ctx: *mut koc_ctx, o: *const koc_publish_options, op: *const koc_op, out: *mut *mut koc_published, err: *mut *mut koc_error) -> c_int;
    pub fn koc_published_count(p: *const koc_published) -> usize;
    pub fn koc_published_reference(p: *const koc_published, i: usize) -> *const c_char;
    pub fn koc_published_import_path(p: *const koc_published, i: usize) -> *const c_char;
    pub fn koc_published_sbom(p: *const koc_published, i: usize) -> *const c_char;
    pub fn koc_published_report(p: *const koc_published) -> koc_str;
    pub fn koc_published_timings(p: *const koc_published) -> koc_str;
    pub fn koc_published_warnings(p: *const koc_published) -> *const koc_strlist;
    pub fn koc_published_inputs(p: *const koc_published) -> *const koc_strlist;
    pub fn koc_published_free(p: *mut koc_published);
    pub fn koc_resolve(ctx: *mut koc_ctx, r: *mut koc_resolver, o: *const koc_publish_options, w: *const koc_writer, op: *const koc_op, out: *mut *mut koc_published, err: *mut *mut koc_error) -> c_int;
    pub fn koc_publish_settings(ctx: *mut koc_ctx, o: *const koc_publish_options, fn_: koc_publish_setting_fn, payload: *mut c_void, err: *mut *mut koc_error) -> c_int;
    pub fn koc_explain(ctx: *mut koc_ctx, o: *const koc_publish_options, op: *const koc_op, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_daemon_open(ctx: *mut koc_ctx, op: *const koc_op, out: *mut *mut koc_daemon, err: *mut *mut koc_error) -> c_int;
    pub fn koc_daemon_free(d: *mut koc_daemon);
    pub fn koc_daemon_address(d: *const koc_daemon) -> *const c_char;
    pub fn koc_daemon_source(d: *const koc_daemon) -> *const c_char;
    pub fn koc_daemon_engine(d: *const koc_daemon) -> *const c_char;
    pub fn koc_daemon_version(d: *const koc_daemon) -> *const c_char;
    pub fn koc_daemon_platform(d: *const koc_daemon) -> *const koc_platform;
    pub fn koc_daemon_load(d: *mut koc_daemon, img: *mut koc_image, names: *const *const c_char, op: *const koc_op, bytes_sent: *mut u64, err: *mut *mut koc_error) -> c_int;
    pub fn koc_serve(ctx: *mut koc_ctx, l: *mut koc_layout, o: *const koc_serve_options, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_key_generate(out: *mut *mut koc_key, err: *mut *mut koc_error) -> c_int;
    pub fn koc_key_open(ctx: *mut koc_ctx, path: *const c_char, ask: koc_password_fn, payload: *mut c_void, op: *const koc_op, out: *mut *mut koc_key, err: *mut *mut koc_error) -> c_int;
    pub fn koc_key_parse(pem: koc_str, password: *const c_char, out: *mut *mut koc_key, err: *mut *mut koc_error) -> c_int;
    pub fn koc_key_new(public_pem: koc_str, ops: *const koc_signer_ops, self_: *mut c_void, out: *mut *mut koc_key, err: *mut *mut koc_error) -> c_int;
    pub fn koc_key_ref(k: *mut koc_key) -> *mut koc_key;
    pub fn koc_key_unref(k: *mut koc_key);
    pub fn koc_key_can_sign(k: *const koc_key) -> bool;
    pub fn koc_key_hint(k: *const koc_key) -> *const c_char;
    pub fn koc_key_public_pem(k: *const koc_key, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_key_private_pem(k: *const koc_key, password: *const c_char, out: *mut koc_buf, err: *mut *mut koc_error) -> c_int;
    pub fn koc_sign(ctx: *mut koc_ctx, client: *mut koc_client, p: *const koc_place, o: *const koc_sign_options, fn_: koc_signature_fn, payload: *mut c_void, op: *const koc_op, err: *mut *mut koc_error) -> c_int;
    pub fn koc_verify(ctx: *mut koc_ctx, client: *mut koc_client, p: *const koc_place, o: *const koc_verify_options, fn_: koc_signature_fn, payload: *mut c_void, op: *const koc_op, digest: *mut koc_digest, err: *mut *mut koc_error) -> c_int;
    pub fn koc_cache_dir(ctx: *const koc_ctx) -> *const c_char;
    pub fn koc_cache_usage(ctx: *mut koc_ctx, fn_: koc_cache_usage_fn, payload: *mut c_void, err: *mut *mut koc_error) -> c_int;
    pub fn koc_cache_prune(ctx: *mut koc_ctx, max_bytes: u64, freed: *mut u64, err: *mut *mut koc_error) -> c_int;
    pub fn koc_cache_clear(ctx: *mut koc_ctx, err: *mut *mut koc_error) -> c_int;
}
