"""The layer stage alone: 200 MB of Go's own tree into an OCI layout, on all cores and on one, beside
`crane append` of the same tar."""

import os
import pathlib
import shutil
import subprocess
import tarfile

import measure

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIZE = 200 * 10**6


def tree(bench):
    """Programs, archives and sources as they come, up to 200 MB."""
    folder, total = bench.scratch / "tree", 0
    goroot = pathlib.Path(bench.go_env("GOROOT"))
    for path in sorted(p for part in ("pkg", "bin", "src") for p in (goroot / part).rglob("*")):
        if path.is_symlink() or not path.is_file() or "testdata" in path.parts:
            continue
        total += path.stat().st_size
        if total > SIZE:
            break
        copy = folder / path.relative_to(goroot)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return folder


def program(bench):
    build, out = bench.koc.parents[1], bench.scratch / "bench_layer"
    subprocess.run(
        ["cc", "-O2", ROOT / "bench/layer.c", f"-I{ROOT}/include", f"-I{build}/include", f"-L{build}/lib",
         f"-Wl,-rpath,{build}/lib", "-lkoc", "-o", out],
        check=True,
    )
    return out


def contenders(bench, folder, tar, sizes):
    koc, crane = program(bench), bench.tool("crane")

    def ours(threads):
        def run():
            out = bench.scratch / "layer-layout"
            shutil.rmtree(out, ignore_errors=True)
            found = measure.run([koc, folder, out, threads], env=bench.env)
            sizes["koc"] = int(found.stdout)
            return found

        return run

    def on_one():
        """One processor for the whole process: its threads take turns."""
        all_of_them = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(all_of_them)})
        try:
            return ours(1)()
        finally:
            os.sched_setaffinity(0, all_of_them)

    def append():
        out = bench.scratch / "crane.tar"
        out.unlink(missing_ok=True)
        found = measure.run(
            [crane, "append", "--oci-empty-base", "-f", tar, "-t", "bench.example/layer:v1", "-o", out], env=bench.env
        )
        with tarfile.open(out) as image:
            sizes["crane append"] = max(m.size for m in image.getmembers())
        return found

    found = {"koc": ours(0)}
    if hasattr(os, "sched_setaffinity"):
        found["koc, one core"] = on_one
    if crane:
        found["crane append"] = append
    return found


def layer_table(bench, runs=5):
    folder, tar, sizes = tree(bench), bench.scratch / "tree.tar", {}
    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as out:
        out.add(folder, ".")
    list_of = contenders(bench, folder, tar, sizes)
    measure.rounds(list_of, 1)
    found = measure.rounds(list_of, runs)
    print(f"### The layer stage alone\n\n{SIZE // 10**6} MB of files, medians of {runs} runs in turn\n")
    rows = []
    for name, got in found.items():
        size = sizes.get(name.partition(",")[0])
        rows.append([name, f"{measure.median(got, 'wall') * 1000:.0f}",
                     f"{measure.ratio(got, found['koc'], 'wall'):.2f}",
                     f"{measure.median(got, 'cpu') * 1000:.0f}",
                     f"{size / 2**20:.1f}" if size else "", f"{measure.median(got, 'memory') / 2**20:.0f}"])
    print(measure.table(["", "wall ms", "× koc", "CPU ms", "MiB made", "peak MiB"], rows), flush=True)
    if "koc, one core" in found:
        bench.judge("layer stage, all cores against one", measure.ratio(found["koc, one core"], found["koc"], "wall"),
                    1.8, more=True)
    if "crane append" in found:
        bench.judge("layer stage, against crane append", measure.ratio(found["crane append"], found["koc"], "wall"),
                    2.2, more=True)
        bench.judge("layer's size, × crane append's", sizes["koc"] / sizes["crane append"], 1.0)
    for path in (folder, bench.scratch / "layer-layout"):
        shutil.rmtree(path, ignore_errors=True)
    for path in (tar, bench.scratch / "crane.tar"):
        path.unlink(missing_ok=True)
