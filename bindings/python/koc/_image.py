"""Images, indexes, artifacts, and their builders."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Union

from ._blob import Blob, Writable, writer_of
from ._call import Arguments, Data, Owned, Path, check, flags, make, named, pointer, share, string, strings_of, view
from ._core import Context, Digest, context_of
from ._descriptor import Descriptor, descriptor_of, descriptor_to, platform_text
from ._errors import text
from ._layer import Layer
from ._native import ffi, lib
from ._watch import Op, Watching

if TYPE_CHECKING:
    from typing_extensions import Unpack

Pairs = Mapping[str, Optional[str]]  # None removes


@dataclass(frozen=True)
class History:
    """An entry of an image's history (OCI image-spec, config.md)."""

    created: Optional[str]
    created_by: Optional[str]
    author: Optional[str]
    comment: Optional[str]
    empty_layer: bool


class Image(Owned):
    """A manifest, its config and its layers. Immutable; the bytes are kept as received."""

    @classmethod
    def from_bytes(cls, manifest: Data, config: Data, *, context: Optional[Context] = None) -> Image:
        """An image without the content of its layers: for a target that has them."""
        a = Arguments()
        pair = a.bytes(manifest), a.bytes(config)
        return cls._of(make("koc_image", lib.koc_image_from_bytes, context_of(context), *pair))

    @property
    def descriptor(self) -> Descriptor:
        return descriptor_of(lib.koc_image_descriptor(self._c))

    @property
    def config_descriptor(self) -> Descriptor:
        return descriptor_of(lib.koc_image_config_descriptor(self._c))

    @property
    def digest(self) -> Digest:
        return Digest._of(ffi.addressof(lib.koc_image_descriptor(self._c).digest))

    @property
    def media_type(self) -> str:
        return string(lib.koc_image_descriptor(self._c).media_type)

    @property
    def manifest(self) -> bytes:
        return view(lib.koc_image_manifest(self._c))

    @property
    def config(self) -> bytes:
        return view(lib.koc_image_config(self._c))

    def config_value(self, pointer: str) -> Any:
        """A member of the config by JSON pointer (RFC 6901). Code.ENOTFOUND."""
        a = Arguments()
        out = a.buffer()
        check(lib.koc_image_config_get, self._c, a.string(pointer), out)
        return json.loads(view(out))

    @property
    def layers(self) -> List[Layer]:
        """The lowest layer first."""
        count = lib.koc_image_layer_count(self._c)
        return [Layer._of(share("koc_layer", lib.koc_image_layer(self._c, i))) for i in range(count)]

    def annotation(self, key: str) -> Optional[str]:
        return text(lib.koc_image_annotation(self._c, Arguments().string(key)))

    def label(self, key: str) -> Optional[str]:
        return text(lib.koc_image_label(self._c, Arguments().string(key)))

    def env(self, name: str) -> Optional[str]:
        return text(lib.koc_image_env(self._c, Arguments().string(name)))

    @property
    def platform(self) -> str:
        """os/arch[/variant][:os.version]"""
        return platform_text(lib.koc_image_platform(self._c))

    def _list(self, field: int) -> List[str]:
        return strings_of(make("koc_strlist", lib.koc_image_list, self._c, field))

    def _pairs(self, field: int) -> Dict[str, str]:
        return dict(item.partition("=")[::2] for item in self._list(field))

    @property
    def environment(self) -> Dict[str, str]:
        return self._pairs(lib.KOC_CFG_ENV)

    @property
    def labels(self) -> Dict[str, str]:
        return self._pairs(lib.KOC_CFG_LABEL)

    @property
    def annotations(self) -> Dict[str, str]:
        """Those of the manifest."""
        return self._pairs(lib.KOC_CFG_ANNOTATION)

    @property
    def entrypoint(self) -> List[str]:
        return self._list(lib.KOC_CFG_ENTRYPOINT)

    @property
    def cmd(self) -> List[str]:
        return self._list(lib.KOC_CFG_CMD)

    @property
    def ports(self) -> List[str]:
        return self._list(lib.KOC_CFG_PORT)

    @property
    def volumes(self) -> List[str]:
        return self._list(lib.KOC_CFG_VOLUME)

    @property
    def user(self) -> Optional[str]:
        return text(lib.koc_image_str(self._c, lib.KOC_CFG_USER))

    @property
    def workdir(self) -> Optional[str]:
        return text(lib.koc_image_str(self._c, lib.KOC_CFG_WORKDIR))

    @property
    def stopsignal(self) -> Optional[str]:
        return text(lib.koc_image_str(self._c, lib.KOC_CFG_STOPSIGNAL))

    @property
    def author(self) -> Optional[str]:
        return text(lib.koc_image_str(self._c, lib.KOC_CFG_AUTHOR))

    @property
    def history(self) -> List[History]:
        """Oldest first."""
        entries = []
        for i in range(lib.koc_image_history_count(self._c)):
            h = Arguments().options("koc_history")
            check(lib.koc_image_history, self._c, i, h)
            created, created_by, author, comment = map(text, (h.created, h.created_by, h.author, h.comment))
            entries.append(History(created, created_by, author, comment, bool(h.empty_layer)))
        return entries

    def file(self, path: Path, **watch: Unpack[Watching]) -> Blob:
        """A file as a container would see it: whiteouts applied, links followed. Code.ENOTFOUND."""
        a = Arguments()
        with Op(watch) as op:
            return Blob._of(make("koc_blob", lib.koc_image_get_file, self._c, a.string(path), op))

    def read_file(self, path: Path, *, limit: int = 1 << 30, **watch: Unpack[Watching]) -> bytes:
        """The content of file()."""
        return self.file(path, **watch).read(limit=limit, **watch)

    def flatten(self, to: Writable, **watch: Unpack[Watching]) -> None:
        """Writes the whole file system as one tar to an object with write()."""
        a = Arguments()
        with Op(watch) as op:
            check(lib.koc_image_flatten, self._c, writer_of(a, to), op)

    def rebase(self, old_base: Image, new_base: Image, *, annotations: Optional[Pairs] = None) -> Image:
        """The same image on another base: the layers of old_base are replaced, the others stay byte for byte."""
        a = Arguments()
        pairs = a.pairs(annotations)
        bases = pointer(old_base, Image), pointer(new_base, Image)
        return Image._of(make("koc_image", lib.koc_image_rebase, self._c, *bases, *pairs))

    def _describe(self) -> str:
        return f"{self.digest} for {self.platform}"


class ImageBuilder(Owned):
    """Builds an image from a base (None: scratch) and changes. Belongs to one thread at a time."""

    def __init__(
        self, context: Optional[Context] = None, base: Optional[Image] = None, *, platform: Optional[str] = None
    ) -> None:
        a, on = Arguments(), pointer(base, Image, optional=True)
        self._c = make("koc_image_builder", lib.koc_image_builder_new, context_of(context), on)
        if platform is not None:
            check(lib.koc_image_builder_set_platform, self._c, a.platform(platform))

    def add_layer(
        self,
        layer: Layer,
        *,
        created_by: Optional[str] = None,
        comment: Optional[str] = None,
        author: Optional[str] = None,
        created: Optional[int] = None,
        annotations: Optional[Mapping[str, str]] = None,
    ) -> ImageBuilder:
        """Adds a layer on top, with its entry in the history. annotations: of its descriptor."""
        a = Arguments()
        options = layer_history(a, created_by, comment, author, created)
        options.annotations, options.n_annotations = a.pairs(annotations)
        check(lib.koc_image_builder_add_layer, self._c, pointer(layer, Layer), options)
        return self

    def _list(self, function: Any, values: Optional[Sequence[str]]) -> ImageBuilder:
        a = Arguments()
        check(function, self._c, a.strings(values))
        return self

    def _pair(self, function: Any, key: str, value: Optional[str]) -> ImageBuilder:
        a = Arguments()
        check(function, self._c, a.string(key), a.string(value))
        return self

    def _str(self, field: int, value: Optional[str]) -> ImageBuilder:
        check(lib.koc_image_builder_set_str, self._c, field, Arguments().string(value))
        return self

    def _item(self, field: int, value: str, remove: bool) -> ImageBuilder:
        change = lib.koc_image_builder_remove_str if remove else lib.koc_image_builder_add_str
        check(change, self._c, field, Arguments().string(value))
        return self

    def entrypoint(self, argv: Optional[Sequence[str]]) -> ImageBuilder:
        """None removes the base's. The same holds for cmd."""
        return self._list(lib.koc_image_builder_set_entrypoint, argv)

    def cmd(self, argv: Optional[Sequence[str]]) -> ImageBuilder:
        return self._list(lib.koc_image_builder_set_cmd, argv)

    def env(self, name: str, value: Optional[str]) -> ImageBuilder:
        """None removes the variable. The same holds for label and annotation."""
        return self._pair(lib.koc_image_builder_set_env, name, value)

    def label(self, key: str, value: Optional[str]) -> ImageBuilder:
        return self._pair(lib.koc_image_builder_set_label, key, value)

    def annotation(self, key: str, value: Optional[str]) -> ImageBuilder:
        return self._pair(lib.koc_image_builder_set_annotation, key, value)

    def user(self, value: Optional[str]) -> ImageBuilder:
        """None removes it. The same holds for workdir, stopsignal and author."""
        return self._str(lib.KOC_CFG_USER, value)

    def workdir(self, value: Optional[str]) -> ImageBuilder:
        return self._str(lib.KOC_CFG_WORKDIR, value)

    def stopsignal(self, value: Optional[str]) -> ImageBuilder:
        return self._str(lib.KOC_CFG_STOPSIGNAL, value)

    def author(self, value: Optional[str]) -> ImageBuilder:
        return self._str(lib.KOC_CFG_AUTHOR, value)

    def port(self, value: str, *, remove: bool = False) -> ImageBuilder:
        """Adds or removes an exposed port such as "8080/tcp"."""
        return self._item(lib.KOC_CFG_PORT, value, remove)

    def volume(self, value: str, *, remove: bool = False) -> ImageBuilder:
        return self._item(lib.KOC_CFG_VOLUME, value, remove)

    def config(self, pointer: str, value: Any) -> ImageBuilder:
        """Sets any member of the config by JSON pointer, after all other settings; None removes it."""
        encoded = None if value is None else json.dumps(value)
        return self._pair(lib.koc_image_builder_set_config, pointer, encoded)

    def created(self, seconds: int) -> ImageBuilder:
        """Seconds since 1970."""
        check(lib.koc_image_builder_set_created, self._c, seconds)
        return self

    def format(self, value: str) -> ImageBuilder:
        """ "oci" or "docker"; without it that of the base."""
        code = named("FORMAT_", value, ("oci", "docker"))
        check(lib.koc_image_builder_set_format, self._c, code)
        return self

    def subject(self, value: Descriptor) -> ImageBuilder:
        """What the image refers to: it becomes a referrer of that."""
        a = Arguments()
        check(lib.koc_image_builder_set_subject, self._c, descriptor_to(a, value))
        return self

    def finish(self, **watch: Unpack[Watching]) -> Image:
        """Builds the image. The builder cannot be used afterwards."""
        with Op(watch) as op:
            return Image._of(make("koc_image", lib.koc_image_builder_finish, self._c, op))


def layer_history(
    a: Arguments, created_by: Optional[str], comment: Optional[str], author: Optional[str], created: Optional[int]
) -> Any:
    """A koc_add_layer_options."""
    options = a.options("koc_add_layer_options", created=created or 0)
    options.created_by, options.comment = a.string(created_by), a.string(comment)
    options.author = a.string(author)
    options.flags = flags("ADD_LAYER_", created=created is not None)
    return options


class Index(Owned):
    """A list of images, one for each platform, or of other manifests. Immutable."""

    @classmethod
    def from_bytes(cls, data: Data, *, context: Optional[Context] = None) -> Index:
        a = Arguments()
        return cls._of(make("koc_index", lib.koc_index_from_bytes, context_of(context), a.bytes(data)))

    @property
    def descriptor(self) -> Descriptor:
        return descriptor_of(lib.koc_index_descriptor(self._c))

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def media_type(self) -> str:
        return self.descriptor.media_type

    def __bytes__(self) -> bytes:
        return view(lib.koc_index_bytes(self._c))

    @property
    def entries(self) -> List[Descriptor]:
        return [descriptor_of(lib.koc_index_get(self._c, i)) for i in range(lib.koc_index_count(self._c))]

    def select(self, platform: str) -> Optional[Descriptor]:
        """The first entry whose platform matches; None: there is none."""
        a = Arguments()
        found = lib.koc_index_select(self._c, a.platform(platform))
        return None if found == ffi.NULL else descriptor_of(found)

    @property
    def images(self) -> List[Optional[Image]]:
        """The image of each entry; None: the index has only its descriptor."""
        found = [lib.koc_index_image(self._c, i) for i in range(lib.koc_index_count(self._c))]
        return [None if i == ffi.NULL else Image._of(share("koc_image", i)) for i in found]

    def with_images(self, images: Sequence[Optional[Image]], *, annotations: Optional[Pairs] = None) -> Index:
        """A copy with another image for each entry; None removes the entry."""
        a = Arguments()
        if len(images) != lib.koc_index_count(self._c):
            raise ValueError(f"{len(images)} images for {lib.koc_index_count(self._c)} entries")
        array, _ = a.pointers("koc_image", [pointer(i, Image, optional=True) for i in images])
        pairs = a.pairs(annotations)
        return Index._of(make("koc_index", lib.koc_index_with_images, self._c, array, *pairs))

    def _describe(self) -> str:
        return f"{self.digest}, {lib.koc_index_count(self._c)} entries"


class IndexBuilder(Owned):
    """Builds an index. format: "oci" or "docker". Belongs to one thread at a time."""

    def __init__(self, context: Optional[Context] = None, *, format: str = "oci") -> None:
        code = named("FORMAT_", format, ("oci", "docker"))
        self._c = make("koc_index_builder", lib.koc_index_builder_new, context_of(context), code)

    def add(self, entry: Union[Image, Descriptor], *, platform: Optional[str] = None) -> IndexBuilder:
        """Adds an image (platform None: its own), or a descriptor as it is, whose manifest the target must have."""
        a = Arguments()
        if isinstance(entry, Descriptor):
            check(lib.koc_index_builder_add_descriptor, self._c, descriptor_to(a, entry))
        else:
            image = pointer(entry, Image)
            check(lib.koc_index_builder_add_image, self._c, image, a.platform(platform))
        return self

    def annotation(self, key: str, value: Optional[str]) -> IndexBuilder:
        a = Arguments()
        check(lib.koc_index_builder_set_annotation, self._c, a.string(key), a.string(value))
        return self

    def finish(self) -> Index:
        """Builds the index. The builder cannot be used afterwards."""
        return Index._of(make("koc_index", lib.koc_index_builder_finish, self._c))


@dataclass(frozen=True)
class ArtifactFile:
    """A blob of an artifact: a file on disk (source) or bytes (content)."""

    media_type: str
    source: Optional[Path] = None
    content: Optional[bytes] = None
    title: Optional[str] = None  # the name of the file
    annotations: Mapping[str, str] = field(default_factory=dict)


class Artifact(Owned):
    """A manifest of anything that is not an image: an SBOM, a signature, a chart. koc.copy() writes it.

    subject: what it is about; it becomes a referrer of that.
    """

    def __init__(
        self,
        artifact_type: str,
        files: Sequence[ArtifactFile] = (),
        *,
        subject: Optional[Descriptor] = None,
        config: Optional[bytes] = None,
        config_media_type: Optional[str] = None,
        annotations: Optional[Mapping[str, str]] = None,
        context: Optional[Context] = None,
    ) -> None:
        a = Arguments()
        options = a.options("koc_artifact_options", artifact_type=a.string(artifact_type))
        options.config_media_type, options.config = a.string(config_media_type), a.bytes(config)
        options.subject = descriptor_to(a, subject)
        options.files, options.n_files = a.structs("koc_artifact_file", [_file(a, f) for f in files])
        options.annotations, options.n_annotations = a.pairs(annotations)
        self._c = make("koc_artifact", lib.koc_artifact_new, context_of(context), options)

    @property
    def descriptor(self) -> Descriptor:
        return descriptor_of(lib.koc_artifact_descriptor(self._c))

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def manifest(self) -> bytes:
        return view(lib.koc_artifact_manifest(self._c))

    def _describe(self) -> str:
        return f"{self.digest}"


def _file(a: Arguments, file: ArtifactFile) -> Any:
    made = a.options("koc_artifact_file", media_type=a.string(file.media_type), title=a.string(file.title))
    made.source, made.content = a.string(file.source), a.bytes(file.content)
    made.annotations, made.n_annotations = a.pairs(file.annotations)
    return made
