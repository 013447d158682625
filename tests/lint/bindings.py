#!/usr/bin/env python3
"""The Rust declarations are those of the public headers: bindings.rs names the state it is from."""

import sys

from common import ROOT, read, run_alone

sys.path.append(str(ROOT / "bindings/python"))

import cdef  # noqa: E402

RUST = "bindings/rust/koc-sys/src/bindings.rs"


def check(context):
    if f"// Declarations: {cdef.fingerprint(ROOT / 'include')}\n" in read(RUST):
        return []
    return [f"{RUST} is stale: run bindings/rust/generate.py (it needs pycparser)"]


if __name__ == "__main__":
    sys.exit(run_alone(check))
