"""The compiled module: cffi reads its declarations from the headers, and no type checker can."""

from typing import Any

ffi: Any
lib: Any
