#!/usr/bin/env python3
"""Does koc make of a project what ko makes of it?

    tests/compare_ko.py FOLDER [-f CONFIG]... [--build PACKAGE]... [--env NAME=VALUE]... [--flat]

Runs ko and koc --compat=ko in FOLDER, a Go project, with one made-up base image (by digest, from a registry on
loopback) in place of all bases that its .ko.yaml names. Compared are the names that are printed, the config
digest of each image (manifests differ: the bytes of gzip do), and the YAML that `resolve -f` writes, as
parsed. koc is run once more without --compat=ko: it has to succeed. Nothing is written into FOLDER.

ko refuses links from kodata to the rest of the repository, as to .git/HEAD or LICENSE; koc follows them. With
--flat ko works in a copy of FOLDER that has the files in place of such links: koc must make the same of FOLDER.

Ends with 0 when all is equal, or when ko fails and koc does not, with 1 otherwise. ko, koc and docker-registry
are looked for as the tests do (KOC_BIN, KOC_TEST_TOOLS, PATH).
"""

import argparse
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent / "e2e"))

from bases import Baker  # noqa: E402
from oci import digest_of  # noqa: E402
from registry import Registry  # noqa: E402
from runner import find_tool  # noqa: E402

IMAGE = re.compile(r"(127\.0\.0\.1:\d+)/(ko|koc)/([A-Za-z0-9._/-]+)(:[\w.-]+)?@(sha256:[0-9a-f]{64})")


class Failed(Exception):
    """A program ended with an error; its text is what it said."""


class Comparison:
    def __init__(self, folder, work, options):
        self.folder, self.work, self.options = pathlib.Path(folder).resolve(), pathlib.Path(work), options
        self.ko = find_tool("ko")
        self.koc = os.environ.get("KOC_BIN") or find_tool("koc")
        self.registry = Registry(self.work / "registry")
        baker = Baker(self.registry, "base")
        name = baker.index("t", [baker.image(arch=arch) for arch in ("amd64", "arm64")])
        self.base = f"{name.rpartition(':')[0]}@{digest_of(self.registry.manifest('base', 't'))}"
        self.settings = self.settings_file()
        self.ko_folder = self.flat_copy() if options.flat else self.folder
        self.wrong = 0

    def settings_file(self):
        """The project's settings with our base; builds and everything else stay."""
        path = self.folder / ".ko.yaml"
        settings = yaml.safe_load(path.read_text()) or {} if path.exists() else {}
        settings.pop("baseImageOverrides", None)
        settings["defaultBaseImage"] = self.base
        copy = self.work / "settings/.ko.yaml"
        copy.parent.mkdir()
        copy.write_text(yaml.safe_dump(settings))
        return copy

    def flat_copy(self):
        copy = self.work / "flat" / self.folder.name
        shutil.copytree(self.folder, copy, symlinks=True)
        for kodata in [pathlib.Path(top) for top, _, _ in os.walk(copy) if top.endswith("/kodata")]:
            for link in [file for file in kodata.rglob("*") if file.is_symlink()]:
                target = link.resolve(strict=True)
                link.unlink()
                (shutil.copytree if target.is_dir() else shutil.copy)(target, link)
        return copy

    def run(self, tool, *words):
        name = "ko" if tool == self.ko else "koc"
        env = os.environ | dict(v.split("=", 1) for v in self.options.env) | {
            "KO_DOCKER_REPO": f"{self.registry.host}/{name}",
            "KO_CONFIG_PATH": str(self.settings),
            "TZ": "UTC",
            "XDG_CACHE_HOME": str(self.work / "cache"),
            "GOCACHE": self.go_cache(),
        }
        if self.options.flat:  # the copy's work tree differs from its commit, and go would write that down
            env["GOFLAGS"] = f"{env.get('GOFLAGS', '')} -buildvcs=false".strip()
        start = time.monotonic()
        folder = self.ko_folder if tool == self.ko else self.folder
        done = subprocess.run([tool, *words], cwd=folder, env=env, capture_output=True, text=True)
        print(f"  {name} {' '.join(words)}: {time.monotonic() - start:.1f} s, exit {done.returncode}", flush=True)
        if done.returncode != 0:
            raise Failed(done.stderr.strip()[-2000:])
        return done.stdout

    @staticmethod
    def go_cache():
        return subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()

    def config_of(self, repository, digest):
        manifest = json.loads(self.registry.manifest(repository, digest))
        if "manifests" in manifest:
            return [self.config_of(repository, m["digest"]) for m in manifest["manifests"]]
        return manifest["config"]["digest"]

    def told(self, text):
        """Both tools' references in one form: the repository below theirs, and the digest of the config."""
        return IMAGE.sub(
            lambda m: f"{m[3]}{m[4] or ''}@{self.config_of(f'{m[2]}/{m[3]}', m[5])}", text)

    def report(self, what, equal, details=""):
        self.wrong += not equal
        print(f"{'equal' if equal else 'DIFFERENT'}: {what}{details and chr(10) + details}", flush=True)

    def both(self, what, *words):
        """What ko and koc print; None when ko fails. More words than ko's are given to koc."""
        try:
            theirs = self.run(self.ko, *words)
        except Failed as e:
            theirs = None
            print(f"  ko fails: {str(e)[-300:]}")
        try:
            ours = self.run(self.koc, words[0], "--compat=ko", *words[1:])
            self.run(self.koc, *words)
        except Failed as e:
            if theirs is None:
                print(f"both fail: {what}\n  koc fails: {str(e)[-600:]}")
            else:
                self.report(what, False, str(e))
            return None
        if theirs is None:
            print(f"better: {what}: ko fails, koc does not")
            return None
        return self.told(theirs), self.told(ours)

    def compare_build(self, packages):
        told = self.both(" ".join(packages), "build", "--sbom=none", *self.options.flag, *packages)
        if told:
            self.report(f"build {' '.join(packages)}: {len(told[0].split())} images",
                        sorted(told[0].split()) == sorted(told[1].split()), difference(*told))

    def compare_resolve(self, config):
        told = self.both(config, "resolve", "--sbom=none", *self.options.flag, "-f", config)
        if told:
            documents = [list(yaml.load_all(text, yaml.CBaseLoader)) for text in told]
            documents = [[d for d in side if d not in (None, "")] for side in documents]
            images = len(set(re.findall(r"@sha256:[0-9a-f]{64}", told[1])))
            self.report(f"resolve -f {config}: {len(documents[1])} documents, {images} digests",
                        documents[0] == documents[1],
                        "" if documents[0] == documents[1] else difference(*map(written, documents)))


def written(documents):
    return yaml.dump_all(documents, sort_keys=False, width=1000)


def difference(theirs, ours):
    lines = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "ko", "koc", n=1, lineterm="")
    return "\n".join(list(lines)[:40])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("-f", dest="configs", action="append", default=[], metavar="CONFIG")
    parser.add_argument("--build", action="append", default=[], metavar="PACKAGE")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--flag", action="append", default=[], metavar="FLAG", help="for both, as --flag=-R")
    parser.add_argument("--flat", action="store_true", help="ko works in a copy with files for links in kodata")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="koc-compare-") as work:
        comparison = Comparison(options.folder, work, options)
        try:
            if options.build:
                comparison.compare_build(options.build)
            for config in options.configs:
                comparison.compare_resolve(config)
        finally:
            comparison.registry.close()
    return 1 if comparison.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
