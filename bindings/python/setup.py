"""What pyproject.toml cannot say: cffi's part of the build, and that one module serves all versions of Python."""

from setuptools import setup

setup(
    cffi_modules=["build_koc.py:builder"],
    options={
        "bdist_wheel": {"py_limited_api": "cp39"},
        # A module that was linked with other settings (KOC_STATIC) must not be taken again.
        "build_ext": {"force": True},
    },
)
