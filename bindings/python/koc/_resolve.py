"""ko:// references in YAML and JSON."""

from typing import List, Optional, Sequence

from ._call import Arguments, Owned, check, ffi, lib, make, text
from ._core import Context


def _take(strings) -> List[str]:
    """A koc_strlist as a list."""
    return [text(lib.koc_strlist_get(strings, i)) for i in range(lib.koc_strlist_count(strings))]


class Resolver(Owned):
    """Finds ko:// references and replaces them by image references; all other bytes stay.

        r = koc.Resolver().add_file("deploy.yaml")
        for reference in r.references():
            r.set(reference, published[reference])
        output = r.write()

    For one thread at a time. Errors name file, line and column.
    """

    def __init__(
        self,
        context: Optional[Context] = None,
        *,
        prefix: Optional[str] = None,
        selector: Optional[str] = None
    ):
        a = Arguments()
        options = a.options(
            "koc_resolver_options", prefix=a.string(prefix), selector=a.string(selector)
        )
        self._c = make(
            "koc_resolver",
            lib.koc_resolver_free,
            lib.koc_resolver_new,
            ffi.NULL if context is None else context._c,
            options,
        )
        self._inputs = Arguments()  # borrowed by the resolver

    def add_bytes(self, label: str, yaml) -> "Resolver":
        """Adds an input. label names it in errors."""
        a = Arguments()
        copy = self._inputs.bytes(bytes(yaml))
        check(lib.koc_resolver_add_bytes, self._c, a.string(label), copy)
        return self

    def add_file(self, path) -> "Resolver":
        a = Arguments()
        check(lib.koc_resolver_add_file, self._c, a.string(path))
        return self

    def add_dir(self, path, *, recursive: bool = False) -> "Resolver":
        a = Arguments()
        check(lib.koc_resolver_add_dir, self._c, a.string(path), recursive)
        return self

    def references(self) -> Sequence[str]:
        """The distinct references with their prefix, in order of appearance."""
        return _take(
            make("koc_strlist", lib.koc_strlist_free, lib.koc_resolver_references, self._c)
        )

    def warnings(self) -> Sequence[str]:
        return _take(lib.koc_resolver_warnings(self._c))

    def set(self, reference: str, replacement: str) -> "Resolver":
        a = Arguments()
        check(lib.koc_resolver_set, self._c, a.string(reference), a.string(replacement))
        return self

    def write(self) -> bytes:
        """All inputs in order, as bytes. Every reference must have a replacement."""
        parts: List[bytes] = []
        handle = ffi.new_handle(parts)
        writer = ffi.new("koc_writer *", {"write": lib.koc_py_write, "self": handle})
        check(lib.koc_resolver_write, self._c, writer)
        return b"".join(parts)
