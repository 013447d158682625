// Written by bindings/rust/generate.py: every struct with its fields.
layout! {
    koc_str { ptr, len }
    koc_buf { ptr, len, capacity }
    koc_kv { key, value }
    koc_digest { algorithm, len, reserved, bytes }
    koc_ctx_options { struct_size, flags, log, log_payload, log_level, threads, cache_dir, max_memory }
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
    koc_client_options { struct_size, flags, auth, user_agent, ca_file, allow_http, max_connections, max_attempts, connect_timeout_ms, response_timeout_ms, requests_per_second, reserved }
    koc_push_options { struct_size, flags, extra_tags }
    koc_resolver_options { struct_size, flags, prefix, selector, max_bytes, max_depth, reserved }
    koc_publish_options { struct_size, flags, client, import_paths, repository, tags, platforms, config_path, base_image, ldflags, labels, annotations, user, oci_layout_path, tarball, image_refs, sbom_dir, sbom, compression, level, jobs, published, published_payload, delve_version, into }
}
