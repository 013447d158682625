"""A plugin of pytest for ./dev mutants: the switch reaches the programs, and each test records what it
reaches.

KOC_MUTANT_RECORD names the directory that a run records into: one JSON line a test, with its name, outcome,
duration and the numbers of the sites reached. KOC_MUTANT_FAILED names the file that gets the tests that fail.
"""

import json
import os
import pathlib

import pytest

DIRECTORY = os.environ.get("KOC_MUTANT_RECORD")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "all")
if DIRECTORY:
    SITES = int(os.environ["KOC_MUTANT_SITES"])
    HITS = pathlib.Path(DIRECTORY) / f"{WORKER}.hits"
    HITS.write_bytes(bytes(SITES))
    os.environ |= {"KOC_MUTANT": "record", "KOC_MUTANT_HITS": str(HITS)}

outcomes = {}


def pytest_collection_modifyitems():
    import runner

    runner.KEPT += ("KOC_MUTANT", "KOC_MUTANT_HITS")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    outcomes.clear()
    if DIRECTORY:
        with open(HITS, "r+b") as hits:
            hits.write(bytes(SITES))
    yield
    if DIRECTORY:
        line = {
            "test": item.nodeid,
            "outcome": "failed" if "failed" in outcomes.values() else outcomes.get("call", "skipped"),
            "seconds": sum(value for value in outcomes.values() if isinstance(value, float)),
            "sites": [number for number, hit in enumerate(HITS.read_bytes()) if hit],
        }
        with open(HITS.with_suffix(".jsonl"), "a") as out:
            out.write(json.dumps(line) + "\n")


def pytest_runtest_logreport(report):
    if report.failed and "KOC_MUTANT_FAILED" in os.environ:
        with open(os.environ["KOC_MUTANT_FAILED"], "a") as out:
            out.write(report.nodeid + "\n")
    if DIRECTORY:
        outcomes[report.when] = report.outcome
        outcomes[f"{report.when} seconds"] = report.duration
