"""cffi's part of the build cannot be said in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["build_koc.py:builder"])
