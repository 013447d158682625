"""`koc build` in one call."""

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence

from ._call import Arguments, Watch, ffi, lib, make, text, view
from ._core import Context
from ._image import compression_code
from ._registry import Client


@dataclass(frozen=True)
class Published:
    """What publish() returns: references[i] is the image of import_paths[i]."""

    references: List[str]
    import_paths: List[str]
    report: Dict[str, Any]  # docs/json.md
    warnings: List[str]


_FLAGS = {
    "tag_only": lib.KOC_PUBLISH_TAG_ONLY,
    "preserve_import_paths": lib.KOC_PUBLISH_PRESERVE_IMPORT_PATHS,
    "base_import_paths": lib.KOC_PUBLISH_BASE_IMPORT_PATHS,
    "bare": lib.KOC_PUBLISH_BARE,
    "disable_optimizations": lib.KOC_PUBLISH_DISABLE_OPTIMIZATIONS,
    "compat_ko": lib.KOC_PUBLISH_COMPAT_KO,
    "default_layout": lib.KOC_PUBLISH_DEFAULT_LAYOUT,
    "force": lib.KOC_PUBLISH_FORCE,
    "offline": lib.KOC_PUBLISH_OFFLINE,
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
}
_LISTS = {"tags", "platforms", "ldflags", "labels", "annotations"}


def _options(a, push, sbom, compression, named):
    options = a.options("koc_publish_options")
    flags = 0 if push else lib.KOC_PUBLISH_NO_PUSH
    for name, value in named.items():
        if name in _FLAGS:
            flags |= _FLAGS[name] if value else 0
        elif name in _STRINGS:
            setattr(options, name, a.string(value))
        elif name in _LISTS:
            setattr(options, name, a.strings(value))
        else:
            raise TypeError(f"publish() got an unexpected keyword argument {name!r}")
    options.flags = flags
    options.sbom = lib.KOC_SBOM_SPDX if sbom else lib.KOC_SBOM_NONE
    options.compression = compression_code(compression)
    return options


def _strings(count, get, published):
    return [text(get(published, i)) for i in range(count)]


def publish(
    import_paths: Sequence[str] = (".",),
    *,
    context: Optional[Context] = None,
    client: Optional[Client] = None,
    push: bool = True,
    sbom: bool = True,
    compression: str = "gzip",
    level: int = 0,
    jobs: int = 0,
    published: Optional[Callable[[str, str], None]] = None,
    progress: Optional[Callable] = None,
    cancel=None,
    timeout: Optional[float] = None,
    **options,
) -> Published:
    """Builds Go packages into images and publishes them. The environment and .ko.yaml provide what
    is not given, as for the command.

    options: those of koc_publish_options (koc/ext/publish.h): repository, config_path, base_image,
    user, oci_layout_path, tarball, image_refs, sbom_dir; the lists tags, platforms, ldflags,
    labels, annotations; the switches tag_only, preserve_import_paths, base_import_paths, bare,
    disable_optimizations, compat_ko, default_layout, force, offline.
    published(import_path, reference) is called for each result as soon as it is there.
    """
    a, w = Arguments(), Watch(progress, cancel, timeout)
    context = context or Context(cache=True)
    o = _options(a, push, sbom, compression, options)
    o.import_paths, o.level, o.jobs = a.strings(import_paths), level, jobs
    o.client = ffi.NULL if client is None else client._c
    if published is not None:
        w.published = published
        o.published, o.published_payload = lib.koc_py_published, w.handle
    with w.calls() as op:
        p = make("koc_published", lib.koc_published_free, lib.koc_publish, context._c, o, op)
    count = lib.koc_published_count(p)
    warnings = lib.koc_published_warnings(p)
    return Published(
        references=_strings(count, lib.koc_published_reference, p),
        import_paths=_strings(count, lib.koc_published_import_path, p),
        report=json.loads(view(lib.koc_published_report(p))),
        warnings=_strings(lib.koc_strlist_count(warnings), lib.koc_strlist_get, warnings),
    )
