"""`koc build` and `koc resolve` in one call each."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypedDict, Union

from ._blob import Writable, writer_of
from ._call import Arguments, Path, callback, check, flags, known, make, named, pointer, string, strings_of, view
from ._client import Client
from ._core import Context, context_of
from ._errors import text
from ._layer import COMPRESSIONS, split
from ._native import ffi, lib
from ._resolve import Resolver
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack


class PublishOptions(TypedDict, total=False):
    """What is built of Go packages, and where it goes (koc/ext/publish.h). The environment and .ko.yaml provide what is
    not given, as for the command."""

    repository: Optional[str]
    tags: Optional[Sequence[str]]
    platforms: Optional[Sequence[str]]  # "all", or os[/arch[/variant]][:os.version]
    config_path: Optional[Path]
    base_image: Optional[str]  # also "scratch"
    ldflags: Optional[Sequence[str]]
    labels: Optional[Sequence[str]]  # key=value. The same holds for annotations
    annotations: Optional[Sequence[str]]
    user: Optional[str]
    oci_layout_path: Optional[Path]  # also write a layout. The next four are written as well
    tarball: Optional[Path]
    image_refs: Optional[Path]
    sbom_dir: Optional[Path]
    sbom: bool
    sbom_formats: Optional[Sequence[str]]  # "spdx", "cyclonedx", "spdx3"
    sbom_author: Optional[str]
    compression: str  # "gzip", "none", "zstd"
    level: int
    jobs: int  # compiles in parallel; 0: one per core
    into: Optional[str]  # load images instead of pushing them: "docker", "kind[:CLUSTER]", "containerd[:SOCKET]" …
    delve_version: Optional[str]
    push: bool
    tag_only: bool  # references are repo:tag, without a digest
    preserve_import_paths: bool
    base_import_paths: bool
    bare: bool
    disable_optimizations: bool
    compat_ko: bool
    default_layout: bool  # without a repository: write to the default OCI layout
    force: bool  # build even if nothing changed
    debug: bool  # add Delve and start under it
    offline: bool  # bases from the cache, no module downloads, no push
    inputs: bool  # collect Published.inputs
    published: Optional[Callable[[str, str], object]]  # called with each (import path, reference)


_LISTS = {"tags", "platforms", "ldflags", "labels", "annotations", "sbom_formats"}
_SWITCHES = {
    "tag_only",
    "preserve_import_paths",
    "base_import_paths",
    "bare",
    "disable_optimizations",
    "compat_ko",
    "default_layout",
    "force",
    "debug",
    "offline",
    "inputs",
}
_STRINGS = {
    "repository",
    "config_path",
    "base_image",
    "user",
    "oci_layout_path",
    "tarball",
    "image_refs",
    "sbom_dir",
    "sbom_author",
    "into",
    "delve_version",
}


class _Publish(PublishOptions, Watching, total=False):
    """Both."""


@dataclass(frozen=True)
class Published:
    """What publish() returns: references[i] is the image of import_paths[i]."""

    references: List[str]
    import_paths: List[str]
    sboms: List[Optional[str]]  # in sbom_dir, of the whole image or index; None: none was written
    report: Dict[str, Any]  # docs/json.md
    timings: str  # where the time went, for people
    warnings: List[str]
    inputs: Optional[List[str]]  # paths that the result depends on; None: not asked for, or not all are known


def _options(
    a: Arguments, given: Mapping[str, Any], import_paths: Optional[Sequence[Path]], client: Optional[Client]
) -> Any:
    known(given, PublishOptions)
    options = a.options("koc_publish_options", import_paths=a.strings(import_paths))
    options.client = a.keep(pointer(client, Client, optional=True))
    for name in _STRINGS:
        setattr(options, name, a.string(given.get(name)))
    for name in _LISTS:
        setattr(options, name, a.strings(given.get(name)))
    switches = {name: given.get(name, False) for name in _SWITCHES}
    options.flags = flags("PUBLISH_", no_push=not given.get("push", True), **switches)
    options.sbom = lib.KOC_SBOM_SPDX if given.get("sbom", True) else lib.KOC_SBOM_NONE
    options.compression = named("COMPRESS_", given.get("compression", "gzip"), COMPRESSIONS)
    options.level, options.jobs = given.get("level", 0), given.get("jobs", 0)
    if given.get("published") is not None:
        options.published = lib.koc_py_published
        options.published_payload = a.keep(ffi.new_handle(given["published"]))
    return options


@callback("koc_py_published")
def _published(import_path: Any, reference: Any, payload: Any) -> None:
    ffi.from_handle(payload)(string(import_path), string(reference))


def _result(p: Any) -> Published:
    if p is None:
        return Published([], [], [], {}, "", [], None)
    count = lib.koc_published_count(p)
    inputs = lib.koc_published_inputs(p)
    return Published(
        [string(lib.koc_published_reference(p, i)) for i in range(count)],
        [string(lib.koc_published_import_path(p, i)) for i in range(count)],
        [text(lib.koc_published_sbom(p, i)) for i in range(count)],
        json.loads(view(lib.koc_published_report(p))),
        view(lib.koc_published_timings(p)).decode("utf-8", "replace"),
        strings_of(lib.koc_published_warnings(p)),
        None if inputs == ffi.NULL else strings_of(inputs),
    )


def publish(
    import_paths: Sequence[Path] = (".",),
    *,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    **options: Unpack[_Publish],
) -> Published:
    """Builds Go packages into images and publishes them. options: PublishOptions and Watching.

    published(import_path, reference) is called for each result as soon as it is there.
    """
    a, (given, watch) = Arguments(), split(options)
    made, ctx = _options(a, given, import_paths, client), context_of(context)
    with Op(watch) as op:
        return _result(make("koc_published", lib.koc_publish, ctx, made, op))


@dataclass(frozen=True)
class Resolved:
    """What resolve() returns."""

    output: bytes  # empty if it was written elsewhere
    published: Published


def resolve(
    paths: Union[Resolver, Sequence[Path]],
    *,
    recursive: bool = False,
    selector: Optional[str] = None,
    to: Optional[Writable] = None,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    **options: Unpack[_Publish],
) -> Resolved:
    """Builds the images of all ko:// references in YAML files and directories, and replaces them: `koc resolve`.

    paths: files and directories, or a Resolver that has them. to: an object with write(), which gets documents as
    soon as they are ready; without it they are in the result.
    """
    a, (given, watch) = Arguments(), split(options)
    made, ctx = _options(a, given, None, client), context_of(context)
    resolver = paths if isinstance(paths, Resolver) else _resolver(paths, recursive, selector, context)
    buffer = io.BytesIO()
    with Op(watch) as op:
        writer = writer_of(a, buffer if to is None else to)
        p = make("koc_published", lib.koc_resolve, ctx, resolver._c, made, writer, op)
    if p is None:  # no references: nothing was written
        resolver.write(buffer if to is None else to)
    return Resolved(buffer.getvalue(), _result(p))


def _resolver(
    paths: Sequence[Path], recursive: bool, selector: Optional[str], context: Optional[Context]
) -> Resolver:
    if isinstance(paths, (str, bytes)):
        raise TypeError("a list of paths is expected, not one string")
    resolver = Resolver(context, selector=selector)
    for path in paths:
        resolver.add(path, recursive=recursive)
    return resolver


def settings(
    *, client: Optional[Client] = None, context: Optional[Context] = None, **options: Unpack[PublishOptions]
) -> List[Tuple[str, str]]:
    """What a build with these options would use, as (name, value): "config", "repository", "layout", "base",
    "platform", "warning", "git", "git hint". Sends no request."""
    a, found = Arguments(), []  # type: Tuple[Arguments, List[Tuple[str, str]]]
    handle = a.keep(ffi.new_handle(found))
    made = _options(a, options, None, client)
    check(lib.koc_publish_settings, context_of(context), made, lib.koc_py_setting, handle)
    return found


@callback("koc_py_setting")
def _setting(name: Any, value: Any, payload: Any) -> None:
    ffi.from_handle(payload).append((string(name), string(value)))


def explain(
    import_paths: Sequence[Path] = (".",), *, context: Optional[Context] = None, **options: Unpack[_Publish]
) -> str:
    """What has changed since the last build of these packages, as text. Nothing is built."""
    a, (given, watch) = Arguments(), split(options)
    made, out, ctx = _options(a, given, import_paths, None), a.buffer(), context_of(context)
    with Op(watch) as op:
        check(lib.koc_explain, ctx, made, op, out)
    return view(out).decode("utf-8", "replace")
