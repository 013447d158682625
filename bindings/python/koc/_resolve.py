"""ko:// references in YAML and JSON."""

from __future__ import annotations

import io
import json
import os
from typing import Dict, List, Mapping, Optional, Union

from ._blob import Writable, writer_of
from ._call import Arguments, Data, Owned, Path, check, make, pointer, string, strings_of, view
from ._core import Context
from ._errors import text
from ._native import ffi, lib


class Resolver(Owned):
    """Finds ko:// references and replaces them by image references; all other bytes stay.

        r = koc.Resolver().add("deploy.yaml")
        for reference in r.references():
            r.set(reference, published[reference])
        output = r.write()

    prefix: what references begin with. selector: a Kubernetes label selector; other documents are left out.
    max_bytes: of one input; max_depth: of nested collections; 0 is the default. For one thread at a time. Errors name
    file, line and column.
    """

    def __init__(
        self,
        context: Optional[Context] = None,
        *,
        prefix: Optional[str] = None,
        selector: Optional[str] = None,
        max_bytes: int = 0,
        max_depth: int = 0,
    ) -> None:
        a = Arguments()
        options = a.options("koc_resolver_options", max_bytes=max_bytes, max_depth=max_depth)
        options.prefix, options.selector = a.string(prefix), a.string(selector)
        ctx = pointer(context, Context, optional=True)
        self._c = make("koc_resolver", lib.koc_resolver_new, ctx, options)
        self._inputs = Arguments()  # borrowed by the resolver

    def add_bytes(self, label: str, yaml: Data) -> Resolver:
        """Adds an input. label names it in errors."""
        a = Arguments()
        if isinstance(yaml, str):
            raise TypeError("bytes are expected, not str")
        check(lib.koc_resolver_add_bytes, self._c, a.string(label), self._inputs.bytes(bytes(yaml)))
        return self

    def add_file(self, path: Path) -> Resolver:
        check(lib.koc_resolver_add_file, self._c, Arguments().string(path))
        return self

    def add_dir(self, path: Path, *, recursive: bool = False) -> Resolver:
        """Adds the .yaml, .yml and .json files of a directory."""
        check(lib.koc_resolver_add_dir, self._c, Arguments().string(path), recursive)
        return self

    def add(self, path: Path, *, recursive: bool = False) -> Resolver:
        """Adds a file, or the files of a directory."""
        if os.path.isdir(os.fsencode(path)):
            return self.add_dir(path, recursive=recursive)
        return self.add_file(path)

    @property
    def labels(self) -> List[str]:
        """The names of the inputs."""
        return [string(lib.koc_resolver_label(self._c, i)) for i in range(lib.koc_resolver_count(self._c))]

    def references(self) -> List[str]:
        """The distinct references with their prefix, in order of appearance."""
        return strings_of(make("koc_strlist", lib.koc_resolver_references, self._c))

    def place(self, reference: str) -> Optional[str]:
        """The first place of a reference, "file:line:column"; None: no input has it."""
        return text(lib.koc_resolver_place(self._c, Arguments().string(reference)))

    def warnings(self) -> List[str]:
        return strings_of(lib.koc_resolver_warnings(self._c))

    def set(self, reference: str, replacement: str) -> Resolver:
        """Sets the replacement of a reference: name[:tag][@digest]. Code.ENOTFOUND: no input has it."""
        a = Arguments()
        check(lib.koc_resolver_set, self._c, a.string(reference), a.string(replacement))
        return self

    def replacement(self, reference: str) -> Optional[str]:
        return text(lib.koc_resolver_replacement(self._c, Arguments().string(reference)))

    def read_map(self, replacements: Union[Mapping[str, str], Data], *, label: str = "map") -> Resolver:
        """Sets replacements from a mapping or a JSON object. Members that no input refers to are ignored."""
        a = Arguments()
        data = json.dumps(dict(replacements)).encode() if isinstance(replacements, Mapping) else replacements
        check(lib.koc_resolver_read_map, self._c, a.string(label), a.bytes(data))
        return self

    def map(self) -> Dict[str, str]:
        """The replacements, in order of appearance."""
        out = Arguments().buffer()
        check(lib.koc_resolver_write_map, self._c, out)
        found: Dict[str, str] = json.loads(view(out))
        return found

    def is_ready(self, i: int) -> bool:
        """Whether every reference of input i has a replacement."""
        return bool(lib.koc_resolver_is_ready(self._c, i))

    def write(self, to: Optional[Writable] = None) -> bytes:
        """Writes all inputs in order, to an object with write(), else as the result. Every reference must have a
        replacement."""
        a, buffer = Arguments(), io.BytesIO()
        check(lib.koc_resolver_write, self._c, writer_of(a, buffer if to is None else to))
        return buffer.getvalue()

    def write_input(self, i: int, to: Writable) -> None:
        """Writes input i. Write them in ascending order."""
        a = Arguments()
        check(lib.koc_resolver_write_input, self._c, i, writer_of(a, to))

    def write_ready(self, to: Writable) -> bool:
        """Writes the documents that are ready and were not written yet; True: everything has been written."""
        a, complete = Arguments(), ffi.new("bool *")
        check(lib.koc_resolver_write_ready, self._c, writer_of(a, to), complete)
        return bool(complete[0])

    def _describe(self) -> str:
        return f"of {', '.join(self.labels)}" if self.labels else ""
