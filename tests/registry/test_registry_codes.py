"""A call returns the same code whether its caller asks for the error object or not."""

import re

import pytest

import faulty as faults
from faulty import Faulty, Rule

UPLOAD = r"/blobs/uploads/"


def drop(x):
    raise faults.Broken()


# name: the fault, and the command that fails because of it.
FAILURES = {
    "a clean-up that fails, too": ([("PUT", UPLOAD, faults.answer(403)), ("DELETE", UPLOAD, drop)], "push"),
    "denied": ([("POST", UPLOAD, faults.answer(403))], "push"),
    "no credentials": ([("*", "/v2/", faults.answer(401))], "push"),
    "broken off": ([("GET", "/manifests/", drop)], "manifest"),
    "no such image": ([("GET", "/manifests/", faults.answer(404))], "pull"),
    "too many requests": ([("HEAD|GET", "/manifests/", faults.answer(429))], "resolve"),
    "refused manifest": ([("PUT", "/manifests/", faults.answer(400))], "push"),
    "an immutable tag": ([("PUT", "/manifests/", faults.answer(409))], "push"),
    "an upload without a place": ([("POST", UPLOAD, faults.answer(202))], "push"),
    "an upload placed nowhere": ([("POST", UPLOAD, faults.answer(202, {"Location": "http://"}))], "push"),
    "invalid redirect target": ([("GET", "/manifests/", faults.answer(307, {"Location": "http://"}))], "manifest"),
    "tags that are no JSON": ([("GET", "/tags/", faults.answer(200, body=b"tags"))], "tags"),
    "tags with a link elsewhere": (
        [("GET", "/tags/", faults.answer(200, {"Link": '<http://127.0.0.2/x>; rel="next"'}, b'{"tags":[]}'))],
        "tags"),
    "not to be deleted": ([("DELETE", "/manifests/", faults.answer(405))], "delete"),
    "delete denied": ([("DELETE", "/manifests/", faults.answer(403))], "delete"),
}


def code_of(regtool, registry, failure, flags):
    rules, command = FAILURES[failure]
    number = list(FAILURES).index(failure)
    proxy = Faulty(registry.host)
    for method, path, action in rules:
        proxy.add(Rule(".*" if method == "*" else method, path, action))
    repository = f"{proxy.host}/codes/x{number}"
    arguments = [repository] if command == "tags" else [f"{repository}:v1"]
    if command == "push":
        arguments = ["300", 4000 + number, "1", *arguments]
    try:
        failed = regtool("--attempts", "2", *flags, command, *arguments, status=1)
    finally:
        proxy.close()
    return re.search(r"\[(KOC_E[A-Z]+)\]", failed.stderr).group(1)


@pytest.mark.parametrize("failure", FAILURES)
def test_the_code_is_the_same_without_an_error(regtool, registry, failure):
    with_error = code_of(regtool, registry, failure, [])
    assert code_of(regtool, registry, failure, ["--no-errors"]) == with_error
    if failure == "a clean-up that fails, too":
        assert with_error == "KOC_EDENIED"
