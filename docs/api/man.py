#!/usr/bin/env python3
"""Man pages of section 3, made from the comments of the headers: man.py FOLDER

Run by `meson install`, with man3 as the folder. Each function has a page of its own name: one that has the text, or
one that leads to it.
"""

import os
import pathlib
import re
import sys
import textwrap

sys.dont_write_bytecode = True  # an installation leaves nothing in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import declared  # noqa: E402

DATE = "November 30, 2026"
# (page, what its functions begin with, what it is about). The first that fits has a function.
PAGES = [
    ("koc_build_image", "koc_build_image|koc_built_", "an image of any program in one call"),
    ("koc_copy", "koc_copy|koc_place_", "copy images between registries, layouts and archives"),
    ("koc_source", "koc_source_", "read and check images in any place"),
    ("koc_artifact", "koc_artifact_", "build artifacts"),
    ("koc_publish", "koc_publish|koc_explain", "build Go packages into images and push them"),
    ("koc_resolve", "koc_resolve", "replace references in YAML by images"),
    ("koc_edit", "koc_edit_|koc_image_(rebase|flatten|get_file)|koc_index_with", "images made from other images"),
    ("koc_client", "koc_client_", "a registry client"),
    ("koc_auth", "koc_auth_|koc_credential_", "credentials for registries"),
    ("koc_transport", "koc_transport_", "HTTP exchanges in the place of libcurl"),
    ("koc_layer_builder", "koc_layer_", "build and read layers"),
    ("koc_image_builder", "koc_(image|index)_builder_", "build images and indexes"),
    ("koc_image", "koc_(image|index|platform)_", "read images and indexes"),
    ("koc_error", "koc_error_|koc_code_", "what went wrong"),
    ("koc_blob", "koc_(blob|reader|file)_", "blobs, readers and files"),
    ("koc_layout", "koc_(layout|archive)_", "images on disk"),
    ("koc_reference", "koc_reference_", "names of images"),
    ("koc_digest", "koc_(digest|hasher)_", "content digests"),
    ("koc_daemon", "koc_daemon_", "local container engines"),
    ("koc_serve", "koc_serve", "a registry over a layout"),
    ("koc_cache", "koc_cache_", "the cache of a context"),
    ("koc_ctx", "koc_", "contexts, cancel tokens and versions"),
]
STRUCTS = {
    "koc_build_image": ["koc_image_spec", "koc_image_file", "koc_image_changes"],
    "koc_copy": ["koc_place", "koc_copy_pair", "koc_copy_options", "koc_copy_result"],
    "koc_publish": ["koc_publish_options"],
    "koc_client": ["koc_client_options", "koc_push_options"],
    "koc_layer_builder": ["koc_layer_options", "koc_entry"],
    "koc_transport": ["koc_transport_request", "koc_transport_ops"],
    "koc_auth": ["koc_auth_ops"],
    "koc_ctx": ["koc_ctx_options", "koc_op", "koc_progress"],
}


def safe(text):
    """Text for roff: ASCII, no escapes, no control at the start of a line."""
    text = text.replace("\\", "\\e").replace("…", "...").replace("–", "-")
    text = text.encode("ascii", "replace").decode()
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def paragraphs(comment):
    """Text of a comment as lines of mdoc: sentences begin lines, indented lines are shown as they are."""
    lines = []
    for part in re.split(r"\n\s*\n", comment.strip()) if comment.strip() else []:
        if lines:
            lines.append(".Pp")
        if all(line.startswith("    ") for line in part.splitlines()):
            lines[-1:] = [".Bd -literal", *safe(textwrap.dedent(part)).splitlines(), ".Ed"]
            continue
        for sentence in re.split(r"(?<=[.?!])\s+(?=[^a-z.])|\n(?= +- )", part):
            wrapped = textwrap.wrap(" ".join(sentence.replace("…", "...").split()), 76, break_long_words=False, break_on_hyphens=False)
            lines += [safe(line) for line in wrapped]
    return lines


def synopsis(function):
    kind, rest = re.match(r"(.*?)(\w+\(.*)", function.prototype).groups()
    parameters = re.search(r"\((.*)\)$", rest)[1].split(",")
    found = [f".Ft {kind.strip()}", f".Fo {function.name}"]
    return found + [f'.Fa "{parameter.strip()}"' for parameter in parameters] + [".Fc"]


def members(name):
    """A struct as a list of its members with their comments."""
    for header in declared.headers():
        text = (declared.ROOT / "include" / header).read_text(encoding="utf-8")
        match = re.search(rf"typedef struct {name} \{{\n(.*?)^\}} {name};", text, re.DOTALL | re.MULTILINE)
        if match:
            break
    lines = [f".Ss struct {name}", ".Bl -tag -width Ds"]
    pattern = r"\s*(?:/\*\*([^<].*?)\*/\s*)?([^;/]+);(?:[ \t]*/\*\*<(.*?)\*/)?"
    for before, member, behind in re.findall(pattern, match[1], re.DOTALL):
        lines.append(f'.It Vt "{" ".join(member.split())}"')
        lines += paragraphs(declared.plain(before or behind))
    return [*lines, ".El"]


def groups(functions):
    """Functions that share a comment, together."""
    found = []
    for function in functions:
        if function.own or not found:
            found.append([])
        found[-1].append(function)
    return found


def errors(functions):
    codes = declared.table()[1]
    lines = [
        ".Sh ERRORS",
        "A function that returns",
        ".Vt int",
        "and takes an error returns",
        ".Dv KOC_OK",
        "or a negative code: always",
        ".Dv KOC_EMISUSE",
        "or",
        ".Dv KOC_ENOMEM ,",
        "and",
        ".Bl -tag -width Ds",
    ]
    fallible = [f for f in functions if f.can_fail and codes.get(f.name)]
    for function in fallible:
        lines.append(f".It Fn {function.name}")
        lines += textwrap.wrap(", ".join(codes[function.name]), 78)
    return [*lines, ".El"] if fallible else []


def page(name, about, functions):
    headers = list(dict.fromkeys(f.header for f in functions))
    lines = [f".Dd {DATE}", f".Dt {name.upper()} 3", ".Os", ".Sh NAME"]
    # The names that man -k finds; more than a screen of them helps nobody.
    names = [f.name for f in functions]
    listed = [name] if name not in names else []
    listed += names
    lines += [f".Nm {n} ," for n in listed[:-1]] + [f".Nm {listed[-1]}", f".Nd {about}"]
    lines += [".Sh LIBRARY", "libkoc (libkoc, -lkoc)", ".Sh SYNOPSIS", *[f".In {h}" for h in headers]]
    for function in functions:
        lines += synopsis(function)
    lines.append(".Sh DESCRIPTION")
    for struct in STRUCTS.get(name, []):
        lines += members(struct)
    if name in STRUCTS:
        lines.append(".Ss Functions")
    lines.append(".Bl -tag -width Ds")
    for group in groups(functions):
        lines.append(".It " + " , ".join(f"Fn {f.name}" for f in group))
        lines += paragraphs(group[0].comment)
    lines += [".El", *errors(functions), ".Sh SEE ALSO"]
    others = sorted(n for n, _, _ in PAGES if n in ("koc_build_image", "koc_ctx", "koc_error") and n != name)
    lines += [f".Xr {n} 3 ," for n in others] + [".Xr libkoc 3"]
    return "\n".join(lines) + "\n"


def overview():
    text = declared.heading("koc/base.h").split("\n", 1)[1]
    lines = [f".Dd {DATE}", ".Dt LIBKOC 3", ".Os", ".Sh NAME", ".Nm libkoc"]
    lines += [".Nd build OCI container images and push them, without Docker"]
    lines += [".Sh LIBRARY", "libkoc (libkoc, -lkoc)", ".Sh SYNOPSIS", ".In koc/koc.h", ".Sh DESCRIPTION"]
    for part in re.split(r"\n\s*\n", text.strip()):
        title, _, rest = part.partition("\n")
        if not rest.lstrip().startswith("-"):
            continue
        lines += [f".Ss {title}", ".Bl -bullet"]
        for item in re.split(r"(?m)^ *- ", rest)[1:]:
            lines += [".It", *paragraphs(item)]
        lines.append(".El")
    lines += [".Ss Pages", ".Bl -tag -width koc_layer_builder -compact"]
    for name, _, about in PAGES:
        lines += [f".It Xr {name} 3", about]
    return "\n".join([*lines, ".El"]) + "\n"


def pages():
    """File names and texts."""
    found = {"libkoc.3": overview()}
    left = list(declared.functions())
    for name, pattern, about in PAGES:
        mine = [f for f in left if re.match(pattern, f.name)]
        left = [f for f in left if f not in mine]
        found[f"{name}.3"] = page(name, about, mine)
        for function in mine:
            found.setdefault(f"{function.name}.3", f".so man3/{name}.3\n")
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    destdir = os.environ.get("DESTDIR")
    folder = pathlib.Path(destdir, str(folder).lstrip("/")) if destdir else folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
