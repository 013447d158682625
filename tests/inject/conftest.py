"""The fixtures of the end-to-end tests that failure injection needs too."""

import pytest
from runner import go_environment, needed


@pytest.fixture(scope="session")
def go_env():
    needed("go")
    return go_environment()
