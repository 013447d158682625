// Written by bindings/rust/generate.py: the headers beside koc.h, every struct with its fields.
const EXT_HEADERS: &[&str] = &[
    "ext/transfer.h",
    "ext/edit.h",
    "ext/compose.h",
    "ext/publish.h",
    "ext/daemon.h",
    "ext/serve.h",
    "ext/sign.h",
    "ext/cache.h",
];
layout! {
    koc_str { ptr, len }
    koc_buf { ptr, len, capacity }
    koc_kv { key, value }
    koc_digest { algorithm, len, reserved, bytes }
    koc_ctx_options { struct_size, flags, log, log_payload, log_level, threads, cache_dir, max_memory, log_release }
    koc_progress { struct_size, kind, state, flags, what, digest, done, total, id, reason, wait_ms, attempt, reserved, name, platform }
    koc_op { struct_size, flags, cancel, timeout_ms, progress, payload }
    koc_reader_ops { struct_size, flags, read, close }
    koc_blob_ops { struct_size, flags, open, release }
    koc_writer { write, self_ }
    koc_platform { struct_size, flags, os, arch, variant, os_version, os_features }
    koc_descriptor { struct_size, flags, digest, size, media_type, artifact_type, platform, annotations, n_annotations, urls }
    koc_history { struct_size, flags, created, created_by, author, comment, empty_layer, reserved }
    koc_add_layer_options { struct_size, flags, created_by, comment, author, created, annotations, n_annotations }
    koc_layer_options { struct_size, flags, compression, level, mtime, format_version, reserved, chunk_size, media_type }
    koc_entry { struct_size, mode, uid, gid, mtime, flags, reserved, xattrs, n_xattrs }
    koc_tree_options { struct_size, flags, defaults, filter, payload }
    koc_archive_image { struct_size, flags, image, tags, n_tags }
    koc_auth_ops { struct_size, flags, get, rejected, release }
    koc_transport_request { struct_size, flags, method, url, headers, n_headers, body, body_size, op }
    koc_transport_ops { struct_size, flags, send, release }
    koc_trace { struct_size, flags, kind, status, method, url, headers, n_headers, ms }
    koc_client_options { struct_size, flags, auth, user_agent, ca_file, allow_http, max_connections, max_attempts, connect_timeout_ms, response_timeout_ms, requests_per_second, reserved, headers, n_headers, transport, trace, trace_payload, trace_release }
    koc_push_options { struct_size, flags, extra_tags }
    koc_resolver_options { struct_size, flags, prefix, selector, max_bytes, max_depth, reserved }
    koc_artifact_file { struct_size, flags, media_type, title, source, content, annotations, n_annotations }
    koc_artifact_options { struct_size, flags, artifact_type, config_media_type, config, subject, files, n_files, annotations, n_annotations }
    koc_place { struct_size, flags, kind, reserved, reference, path, name, digest, image, index, artifact }
    koc_copy_options { struct_size, flags, platforms, jobs, reserved }
    koc_copy_pair { struct_size, flags, from, to }
    koc_copy_result { struct_size, flags, digest, bytes, blobs, copied, mounted, unchanged }
    koc_image_changes { struct_size, flags, env, n_env, labels, n_labels, annotations, n_annotations, entrypoint, cmd, user, workdir, stopsignal, author, ports, volumes, created, platform, config, n_config }
    koc_image_file { struct_size, layer, path, source, link, content, platform, entry }
    koc_image_spec { struct_size, flags, client, base, platforms, layers, n_layers, files, n_files, changes, targets, tags, mtime, compression, level, created_by }
    koc_publish_options { struct_size, flags, client, import_paths, repository, tags, platforms, config_path, base_image, ldflags, labels, annotations, user, oci_layout_path, tarball, image_refs, sbom_dir, sbom, compression, level, jobs, published, published_payload, delve_version, into, sbom_formats, sbom_author }
    koc_serve_options { struct_size, flags, address, repository, tls_cert, tls_key, max_blob, max_connections, reserved, ready, payload, allow_hosts }
    koc_signer_ops { struct_size, flags, sign, release }
    koc_signature { struct_size, flags, state, reserved, subject, platform, digest, predicate_type, key, reason }
    koc_sign_options { struct_size, flags, key, predicate_type, predicate }
    koc_verify_options { struct_size, flags, keys, n_keys, require, source, revision, builder, base, max_age_s }
}
