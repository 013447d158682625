"""Fixtures of the registry tests: regtool (the client by itself) against real registries on loopback.

The servers are those of tests/e2e/registry.py; faulty.py adds a proxy in between that breaks things on
purpose, and counts.
"""

import os
import pathlib
import shutil
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import registry as registries  # noqa: E402
from faulty import Faulty  # noqa: E402
from runner import Home, Tool  # noqa: E402


def needed(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing")
    return path


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


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    needed("docker-registry")
    server = registries.Registry(tmp_path_factory.mktemp("registry"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    needed("openssl")
    return registries.Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def basic_registry(tmp_path):
    needed("docker-registry")
    needed("htpasswd")
    server = registries.basic_registry(tmp_path / "basic")
    yield server
    server.close()


@pytest.fixture
def bearer_registry(tmp_path, pki):
    needed("docker-registry")
    tokens = registries.TokenServer(pki)
    server = registries.bearer_registry(tmp_path / "bearer", pki, tokens)
    server.tokens = tokens
    yield server
    server.close()
    tokens.close()


@pytest.fixture
def tls_registry(tmp_path, pki):
    needed("docker-registry")
    server = registries.tls_registry(tmp_path / "tls", pki)
    yield server
    server.close()


@pytest.fixture
def relative_registry(tmp_path):
    needed("docker-registry")
    server = registries.relative_registry(tmp_path / "relative")
    yield server
    server.close()


@pytest.fixture
def faulty(registry):
    proxy = Faulty(registry.host)
    yield proxy
    proxy.close()
