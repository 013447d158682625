"""koc through a proxy that breaks things on purpose (tests/registry/faulty.py): what people see of it."""

import sys

import goapps
import pytest
from runner import ROOT
from serve import Served

sys.path.insert(0, str(ROOT / "tests/registry"))

import faulty as faults  # noqa: E402
from faulty import Faulty, Rule  # noqa: E402

UPLOAD = "/blobs/uploads/"
MIB = 1 << 20


@pytest.fixture
def faulty(registry):
    proxy = Faulty(registry.host)
    yield proxy
    proxy.close()


def limit_bodies(proxy, limit=MIB):
    proxy.add(Rule("P(UT|ATCH)", UPLOAD, faults.refuse_bodies(413, more_than=limit)))


def test_build_for_two_platforms_behind_a_body_limit(koc, faulty, registry, tmp_path):
    """nginx takes 1 MiB unless it is told otherwise; several layers are refused at once."""
    app = goapps.plain(tmp_path / "src")
    limit_bodies(faulty)
    built = koc("build", "--base-image=scratch", "--platform=linux/amd64,linux/arm64", "--bare", ".",
                cwd=app.folder / "cmd/app", env={"KO_DOCKER_REPO": f"{faulty.host}/weather/app"})
    digest = built.stdout.strip().rsplit("@", 1)[1]
    koc("validate", f"{registry.host}/weather/app@{digest}")
    assert faulty.count("PATCH", UPLOAD) > 2


@pytest.mark.parametrize("put", [None, 404, 400, 501])
def test_push_to_koc_serve_behind_a_body_limit(koc, tmp_path, put):
    """Its own registry, with a proxy that takes small bodies only, and perhaps no PUT of a blob."""
    app = goapps.plain(tmp_path / "src")
    koc("build", "--base-image=scratch", "--platform=linux/amd64,linux/arm64", "--push=false",
        f"--oci-layout-path={tmp_path / 'oci'}", ".", cwd=app.folder / "cmd/app")
    served = Served(koc, tmp_path / "served")
    proxy = Faulty(served.host)
    limit = faults.refuse_bodies(413, more_than=MIB)
    proxy.add(Rule("PUT", UPLOAD, faults.first_of(limit, *([faults.refuse_bodies(put)] if put else []))))
    proxy.add(Rule("PATCH", UPLOAD, limit))
    koc("copy", f"oci:{tmp_path / 'oci'}", f"{proxy.host}/weather/served:v1")
    proxy.close()
    koc("validate", f"{served.host}/weather/served:v1")
    served.stop()
