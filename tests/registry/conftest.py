"""Fixtures of the registry tests: regtool (the client by itself) against real registries on loopback.

The servers are those of tests/conftest.py and servers.py; faulty.py adds a proxy in between that breaks things on
purpose, and counts.
"""

import os
import pathlib

import pytest
from faulty import Faulty
from runner import ROOT, Home, Tool


@pytest.fixture(scope="session")
def regtool_path():
    build = pathlib.Path(os.environ.get("KOC_BUILD", ROOT / "build-asan"))
    path = build / "tests/registry/regtool"
    assert path.exists(), f"{path} is missing: ./dev test builds it"
    return path.resolve()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "user", {})


@pytest.fixture
def regtool(regtool_path, home):
    return Tool(regtool_path, home)


@pytest.fixture
def faulty(registry):
    proxy = Faulty(registry.host)
    yield proxy
    proxy.close()
