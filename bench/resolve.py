"""The tables about YAML: the resolver alone beside libyaml, and twenty services in one file."""

import pathlib
import subprocess

import bases
import measure
import registry

ROOT = pathlib.Path(__file__).resolve().parents[1]
SERVICES = 20

PROGRAM = """package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, %d, %d) })
	http.ListenAndServe(":8080", nil)
}
"""

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: main
        image: ko://example.test/services/cmd/NAME
"""


def resolver_table(bench):
    """50 MB of Deployments, a reference in each hundredth."""
    build, program = bench.koc.parents[1], bench.scratch / "resolve"
    subprocess.run(["cc", "-O2", ROOT / "bench/resolve.c", f"-I{ROOT}/include", f"-I{build}/include", f"-L{build}/lib",
                    f"-Wl,-rpath,{build}/lib", "-lkoc", "-lyaml", "-o", program], check=True)
    found = subprocess.run([program, "50"], capture_output=True, text=True, check=True).stdout
    print(f"### The resolver alone\n\n50 MB of Deployments, best of 5 in turn\n\n```\n{found}```\n")


class Services:
    """A module with twenty programs, and one file of YAML that names them all."""

    def __init__(self, folder):
        self.folder, self.round = folder, 0
        (folder / "cmd").mkdir(parents=True)
        (folder / "go.mod").write_text("module example.test/services\n\ngo 1.19\n")
        names = [f"svc{i:02}" for i in range(SERVICES)]
        (folder / "all.yaml").write_text("---\n".join(DEPLOYMENT.replace("NAME", name) for name in names))
        self.change()

    def change(self):
        """Other programs each time: all are to be linked."""
        self.round += 1
        for i in range(SERVICES):
            path = self.folder / f"cmd/svc{i:02}/main.go"
            path.parent.mkdir(exist_ok=True)
            path.write_text(PROGRAM % (i, self.round))


def services_table(bench):
    services = Services(bench.scratch / "services")
    server = registry.Registry(bench.scratch / "services-registry")
    env = {**bench.env, "KO_DEFAULTBASEIMAGE": bases.bake_all(server)["index"]}

    def command(*args, repo="x"):
        return lambda: measure.run(args, cwd=services.folder, env={**env, "KO_DOCKER_REPO": f"{server.host}/{repo}"})

    out = bench.scratch / "services-out"
    contenders = {
        "go build of all": command("go", "build", "-trimpath", "-o", f"{out}/", "./cmd/..."),
        "koc resolve": command(bench.koc, "resolve", "-q", "-f", "all.yaml", repo="koc"),
    }
    if bench.ko:
        contenders["ko resolve"] = command(bench.ko, "resolve", "-f", "all.yaml", repo="ko")
    try:
        print(f"### {SERVICES} services in one module and one file\n")
        for title, changed in (("nothing changed", False), ("all to link", True)):
            for run in contenders.values():
                run()
            found = measure.rounds(contenders, 3 if changed else 5, services.change if changed else lambda: None)
            alone = found["go build of all"]
            rows = [[name, *(f"{text:.2f}" for field in ("wall", "cpu")
                             for text in (measure.median(runs, field), measure.ratio(runs, alone, field)))]
                    for name, runs in found.items()]
            bar = "CPU 1.20" if changed else "wall 1.5"
            print(f"{title} (bar for koc: {bar} × go build)\n")
            print(measure.table(["", "wall s", "× go build", "CPU s", "× go build"], rows))
            print()
    finally:
        server.close()
