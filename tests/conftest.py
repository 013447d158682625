"""What all tests of programs share: the option for slow ones, real registries on loopback.

Nothing here is a stand-in where the real thing can be had; a test whose tool is missing is skipped
and says which. Servers listen on free ports, and are ended by the fixture.
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))

import registry as registries  # noqa: E402
from runner import needed  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--everything", action="store_true", help="also the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--everything"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes (./dev test --all)"))


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
