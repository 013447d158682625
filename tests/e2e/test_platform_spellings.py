"""The same platform in another spelling: in flags, settings, variables and in base indexes."""

import json

import pytest

import oci
from bases import Baker

ROWS = [  # asked for, os/arch[/variant] of the base's entry, what the image says, GOARM
    ("linux/arm64/v8", ("arm64", None), "arm64", None),
    ("linux/aarch64", ("arm64", "v8"), "arm64", None),
    ("linux/x86_64", ("amd64", None), "amd64", None),
    ("LINUX/AMD64", ("amd64", None), "amd64", None),
    ("linux/amd64/v1", ("amd64", None), "amd64", None),
    ("linux/armhf", ("arm", "v7"), "arm", "7"),
    ("linux/arm/7", ("arm", "v7"), "arm", "7"),
    ("linux/arm/v7", ("arm", None), "arm", None),
    ("linux/armel", ("arm", "v6"), "arm", "6"),
    ("linux/arm/v7", ("arm", "7"), "arm", "7"),
    ("linux/i386", ("386", None), "386", None),
    ("linux/amd64", ("x86_64", None), "amd64", None),
    ("linux/arm64", ("aarch64", None), "arm64", None),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r[0]} of {'-'.join(filter(None, r[1]))}")
def test_one_spelling_for_all(koc, registry, app, tmp_path, row):
    asked, (arch, variant), want, goarm = row
    baker = Baker(registry, "base/spelled-" + "".join(c for c in f"{asked}-{arch}-{variant}".lower() if c.isalnum()))
    base = baker.index("t", [baker.image(arch=arch, variant=variant), baker.image(arch="s390x")])
    (app / "settings").mkdir()
    (app / "settings/.ko.yaml").write_text(f"defaultBaseImage: {base}\ndefaultPlatforms: [{asked}]\n")
    by = [({"KO_DEFAULTBASEIMAGE": base}, [f"--platform={asked}"]),
          ({"KO_DEFAULTBASEIMAGE": base, "KO_DEFAULTPLATFORMS": asked}, []),
          ({"KO_CONFIG_PATH": str(app / "settings/.ko.yaml")}, [])]
    made = {koc("build", *flags, "./cmd/tool", cwd=app, env=env).stdout for env, flags in by}
    assert len(made) == 1
    image = oci.from_registry(registry, made.pop().strip())
    info = {n: c for layer in range(len(image.manifest["layers"])) for n, c in image.files(layer).items()
            if n.endswith("ko-app/tool")}
    program = next(iter(info.values()))
    assert f"GOARCH={want}\n".encode() in program
    assert goarm is None or f"GOARM={goarm}\n".encode() in program
    for verb in ("config", "manifest"):
        koc(verb, f"--platform={asked}", base)
    assert json.loads(koc("inspect", "--json", f"--platform={asked}", base).stdout)["images"]
    koc("export", f"--platform={asked}", base, tmp_path / "out.tar")
    koc("pull", f"--platform={asked}", base, tmp_path / "out")
    koc("copy", f"--platform={asked}", base, f"{registry.host}/spelled:t")


def test_scratch_names_each_platform_once_and_well(koc, registry, app):
    made = koc("build", "--base-image=scratch", "--platform=linux/x86_64,linux/amd64,linux/aarch64,linux/armhf",
               "./cmd/tool", cwd=app).stdout.strip()
    assert oci.from_registry(registry, made).platforms == ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def test_errors_use_the_usual_names(koc, registry, app):
    baker = Baker(registry, "base/spelled")
    base = baker.index("t", [baker.image(arch="s390x")])
    env = {"KO_DEFAULTBASEIMAGE": base}
    for words in (["build", "./cmd/tool"], ["config", base], ["copy", base, f"{registry.host}/x:t"]):
        said = koc(*words, "--platform=linux/x86_64", cwd=app, env=env, status=1).stderr
        assert "has no linux/amd64" in said or "no linux/amd64" in said, said
