/*
 * Reads YAML over libyaml's events: the scalars of a stream with their positions in bytes, and a small tree
 * for settings files. Byte positions are exact for any UTF-8 input (libyaml counts characters).
 */
#ifndef KOC__YAML_H
#define KOC__YAML_H

#include <koc/base.h>

#include "core/cleanup.h"

/* A settings tree. Nodes are borrowed from their document. */
typedef struct koc__yaml koc__yaml;
typedef struct koc__ynode koc__ynode;
enum { KOC__YAML_SCALAR = 1, KOC__YAML_SEQUENCE, KOC__YAML_MAPPING };

/* One document (none: *out's root is NULL; several: KOC_EFORMAT). Duplicate keys are rejected, aliases and
 * "<<" expanded up to 10,000 nodes. Errors read "<what>:<line>:<column>: …". max: bytes. */
int koc__yaml_parse(koc_str text, size_t max, const char *what, koc__yaml **out, koc_error **err);
void koc__yaml_free(koc__yaml *y);
KOC__DEFINE_AUTO(koc__yaml, koc__yaml_free);
const koc__ynode *koc__yaml_root(const koc__yaml *y);
int koc__yaml_type(const koc__ynode *n); /* 0 for NULL */
/* A scalar's text; NULL for others and for null (~, null, empty plain). */
const char *koc__yaml_str(const koc__ynode *n);
bool koc__yaml_is_null(const koc__ynode *n);
const koc__ynode *koc__yaml_get(const koc__ynode *mapping, const char *key, bool fold_case);
size_t koc__yaml_count(const koc__ynode *n);
const koc__ynode *koc__yaml_at(const koc__ynode *n,
                               size_t i); /* element, or value of the i-th pair */
const char *koc__yaml_key(const koc__ynode *mapping, size_t i);
/* The position for messages, from 1. */
size_t koc__yaml_line(const koc__ynode *n);
size_t koc__yaml_column(const koc__ynode *n);
const char *koc__libyaml_version(void);

#endif
