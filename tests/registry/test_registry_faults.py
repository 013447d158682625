"""The client under faults: a scripted proxy before a real registry counts every request."""

import hashlib
import json
import re
import time

import pytest

import faulty as faults
import registry as registries
import servers
from faulty import Faulty, Rate, Rule
from ports import free_port

MB = 1000 * 1000
UPLOAD = r"/blobs/uploads/"
ZEROS = "sha256:" + "0" * 64


def digest_text(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(result):
    return result.lines[-1]


def test_random_503(regtool, registry):
    """R-193, R-197: 20 % of all requests fail; 10 pushes of fresh images all succeed within 10 s each."""
    proxy = Faulty(registry.host, seed=7)
    proxy.add(Rule("*", r"/v2/", faults.answer(503), chance=0.2))
    for i in range(10):
        begin = time.monotonic()
        regtool("push", 900000, 100 + i, 3, f"{proxy.host}/faults/r503:v{i}")
        assert time.monotonic() - begin < 10
    proxy.close()


def test_server_that_stares_at_tls(regtool, faulty):
    """R-11: an http server that waits after a TLS greeting costs a second, not a time-out."""
    faulty.stare_at_tls = True
    begin = time.monotonic()
    regtool("push", 300, 1, 1, f"{faulty.host}/faults/stare:v1")
    assert time.monotonic() - begin < 4


def test_two_503_on_the_manifest(regtool, faulty):
    """R-166, R-193: PUT of a manifest is repeated."""
    faulty.add(Rule("PUT", r"/manifests/", faults.answer(503, {"Retry-After": "1"}), times=2))
    regtool("push", 300, 1, 1, f"{faulty.host}/faults/m503:v1")
    puts = faulty.requests("PUT", "/manifests/")
    assert [e.status for e in puts] == [503, 503, 201]
    assert puts[1].at - puts[0].at >= 1


def test_503_after_the_blob_was_stored(regtool, faulty):
    """R-139: the outcome is unknown, so koc asks by HEAD; the blob is not sent twice."""
    faulty.add(Rule("PUT", UPLOAD, faults.do_but_say(502), times=1))
    regtool("push", 2 * MB, 2, 1, f"{faulty.host}/faults/stored:v1")
    assert faulty.count("PUT", UPLOAD) == 2  # layer and config, once each


def test_connection_killed_in_the_middle_of_a_put(regtool, faulty):
    """R-139, R-195: a new session, a new connection."""
    seen = []

    def break_the_layer(x):
        if x.left > MB and not seen:
            seen.append(x)
            x.request_limit = 500000
        return False
    faulty.add(Rule("PUT", UPLOAD, break_the_layer))
    regtool("push", 3 * MB, 3, 1, f"{faulty.host}/faults/killed:v1")
    big = [e for e in faulty.requests("PUT", UPLOAD) if e.sent > 400000]
    assert len(big) == 2
    assert big[0].connection != big[1].connection


def test_uploads_always_cut(regtool, faulty):
    """R-145, R-146: every connection dies after 3 MB of upload, and the registry cannot resume."""
    faulty.cut_uploads_after = 3 * MB
    result = regtool("push", 9 * MB, 4, 1, f"{faulty.host}/faults/cut:v1")
    assert regtool("pull", f"{faulty.host}/faults/cut:v1").ref == digest_of(result)


def test_413_on_the_whole_blob(regtool, faulty):
    """R-34, R-145: the blob is too large for one request, so it is chunked; chunks that are too large are halved."""
    def too_large(x):
        if x.left <= 1 * MB:
            return False
        x.respond(413, drain=False)
        raise faults.Broken(reset=False)
    faulty.add(Rule("PUT", UPLOAD, too_large))
    faulty.add(Rule("PATCH", UPLOAD, too_large))
    result = regtool("push", 5 * MB, 5, 1, f"{faulty.host}/faults/large:v1")
    assert faulty.count("PATCH", UPLOAD) >= 5
    assert regtool("pull", f"{faulty.host}/faults/large:v1").ref == digest_of(result)


def upload_rules(host, put=None, patch=None, limit=None, **more):
    """A fresh proxy that refuses one form of upload, or bodies over a limit."""
    proxy = Faulty(host)
    too_large = [faults.refuse_bodies(413, more_than=limit, **more)] if limit is not None else []
    puts = too_large + ([faults.refuse_bodies(put, **more)] if put else [])
    patches = ([faults.answer(patch, **more)] if patch else []) + too_large
    proxy.add(Rule("PUT", UPLOAD, faults.first_of(*puts)))
    proxy.add(Rule("PATCH", UPLOAD, faults.first_of(*patches)))
    return proxy


def push_through(regtool, registry, seed, size=3 * MB, layers=2, status=0, **rules):
    """Pushes a new image through a new proxy; returns its log and the output. A success is pulled again."""
    proxy, name = upload_rules(registry.host, **rules), f"faults/forms{seed}:v1"
    result = regtool("push", size, seed, layers, f"{proxy.host}/{name}", status=status)
    if status == 0:
        assert regtool("pull", f"{registry.host}/{name}").ref == digest_of(result)
    proxy.close()
    return proxy, result


@pytest.mark.parametrize("layers", range(2, 9))
def test_blobs_over_a_body_limit_in_flight_at_once(regtool, registry, layers):
    """A refusal that one upload got does not change the state of the others."""
    push_through(regtool, registry, 1000 + 10 * layers, layers=layers, limit=1 << 20)


@pytest.mark.parametrize("limit", [100000, 300000, 500000, 2500000])
def test_body_limit_of_any_size(regtool, registry, limit):
    proxy, _ = push_through(regtool, registry, 1100 + limit, limit=limit)
    taken = [e.sent for e in proxy.requests("PATCH", UPLOAD) if e.status == 202]
    assert taken and max(taken) <= limit


def test_body_limit_that_is_told_without_reading(regtool, registry):
    """As nginx does: 413, and the connection is closed."""
    push_through(regtool, registry, 1200, layers=4, limit=1 << 20, drain=False)


@pytest.mark.parametrize("status", [400, 404, 405, 406, 409, 411, 412, 413, 415, 416, 422, 500, 501, 502, 503, 505, 507])
def test_refused_put_is_tried_by_patch(regtool, registry, status):
    """Whatever a registry answers to one form, koc tries the other one before the answer is final."""
    proxy, _ = push_through(regtool, registry, 2000 + 10 * status, layers=3, put=status)
    whole = [e for e in proxy.requests("PUT", UPLOAD) if e.sent]
    assert len(whole) <= (4 if status < 500 or status in (501, 505, 507) else 8)


@pytest.mark.parametrize("code", ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "UNKNOWN", "UNSUPPORTED", ""])
@pytest.mark.parametrize("status", [400, 404])
def test_refused_put_with_a_code_is_tried_by_patch(regtool, registry, status, code):
    body = json.dumps({"errors": [{"code": code, "message": "no"}]}).encode()
    proxy, _ = push_through(regtool, registry, 20000 + 10 * status + len(code), size=300000, put=status, body=body)
    assert proxy.count("PUT", UPLOAD) <= 6, "one refusal a blob"


@pytest.mark.parametrize("status, words", [
    (401, "not authorised"), (402, "payment"), (403, "access denied"), (451, "legal reasons")])
def test_put_refused_for_rights_is_not_tried_again(regtool, registry, status, words):
    proxy, result = push_through(regtool, registry, 2600 + status, layers=1, put=status, status=1)
    assert proxy.count("PATCH", UPLOAD) == 0
    assert words in result.stderr


def test_put_refused_for_its_digest_is_not_tried_by_patch(regtool, registry):
    """R-152: again in a new session, then it fails."""
    body = b'{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}'
    proxy, result = push_through(regtool, registry, 2700, layers=1, put=400, body=body, status=1)
    assert proxy.count("PATCH", UPLOAD) == 0
    assert "other bytes" in result.stderr


@pytest.mark.parametrize("put", [404, 400, 411, 405, 413, 500, 501])
def test_refused_put_and_a_body_limit(regtool, registry, put):
    push_through(regtool, registry, 3000 + 10 * put, layers=4, put=put, limit=1 << 20)


@pytest.mark.parametrize("patch", [400, 404, 405, 411, 413, 416, 500, 501])
def test_refused_patch_does_no_harm(regtool, registry, patch):
    """A connection that breaks in mid-PUT leads to PATCH; if that is refused, koc repeats the PUT."""
    proxy = upload_rules(registry.host, patch=patch)
    proxy.rules.insert(0, Rule("PUT", UPLOAD, faults.break_body_after(500000), times=2))
    name = f"faults/nopatch{patch}:v1"
    result = regtool("push", 3 * MB, 4000 + patch, 1, f"{proxy.host}/{name}")
    assert regtool("pull", f"{registry.host}/{name}").ref == digest_of(result)
    proxy.close()


@pytest.mark.parametrize("put, patch, words", [
    (405, 405, "does not allow this"), (413, 405, "too large"), (413, 413, "too large"), (415, 405, "media type"),
    (404, 501, "lost the upload"), (400, 400, "400"),
])
def test_both_forms_refused(regtool, registry, put, patch, words):
    """The refusal that says more is reported, and soon."""
    proxy, result = push_through(regtool, registry, 5000 + put + 7 * patch, layers=1, put=put, patch=patch, status=1)
    assert words in result.stderr
    assert proxy.count("P(UT|ATCH)", UPLOAD) <= 30


def test_body_limit_where_patch_is_refused(regtool, registry):
    _, result = push_through(regtool, registry, 5900, patch=405, limit=1 << 20, status=1)
    assert "too large for the registry" in result.stderr


def test_body_limit_of_a_copied_image(regtool, registry):
    """The content is a stream from another registry, opened again for each chunk."""
    source = f"{registry.host}/faults/streamed:v1"
    pushed = regtool("push", 3 * MB, 6000, 3, source)
    proxy = upload_rules(registry.host, put=404, limit=1 << 20)
    proxy.add(Rule("POST", "mount=", faults.answer(405)))
    proxy.add(Rule("HEAD", "/blobs/", faults.answer(404)))
    copied = regtool("copy", source, f"{proxy.host}/faults/copied:v1")
    assert digest_of(copied) == digest_of(pushed)
    assert proxy.count("PATCH", UPLOAD) >= 9
    proxy.close()


def errors(*items):
    return json.dumps({"errors": list(items)}).encode()


def test_every_error_of_an_answer_is_shown(regtool, faulty):
    """The first error may be empty; the digest that users look for is in a later one."""
    body = errors({"code": "UNKNOWN", "message": "unknown error"},
                  {"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown", "detail": {"digest": ZEROS}},
                  {"code": "TAG_INVALID", "detail": "a\u001b[31mtag"})
    faulty.add(Rule("PUT", r"/manifests/", faults.answer(400, body=body)))
    result = regtool("push", 300, 62, 1, f"{faulty.host}/faults/several:v1", status=1)
    assert f"UNKNOWN: unknown error; MANIFEST_BLOB_UNKNOWN: blob unknown: digest {ZEROS}; TAG_INVALID: a" in result.stderr
    assert "\x1b" not in result.stderr
    assert faulty.count("PUT", "/manifests/") == 3, "the code of any of them counts: the blob is sent again"


@pytest.mark.parametrize("method, path, status, body, words", [
    ("PUT", UPLOAD, 412, b"", "perhaps its quota (412 Precondition Failed)"),
    ("PUT", UPLOAD, 507, b"", "no space left"),
    ("PUT", UPLOAD, 409, b"", "a conflict"),
    ("POST", UPLOAD, 404, errors({"code": "NAME_UNKNOWN"}), "no such repository (NAME_UNKNOWN)"),
    ("POST", UPLOAD, 405, b"", "it may be read-only"),
    ("PUT", "/manifests/", 412, b"", "perhaps its quota"),
    ("PUT", "/manifests/", 413, b"", "the manifest is too large"),
    ("PUT", "/manifests/", 415, b"", "this media type"),
    ("PUT", "/manifests/", 404, errors({"code": "NAME_UNKNOWN"}), "no such repository (NAME_UNKNOWN)"),
])
def test_words_of_a_refused_push(regtool, faulty, method, path, status, body, words):
    faulty.add(Rule(method, path, faults.answer(status, body=body)))
    if path == UPLOAD and method == "PUT":
        faulty.add(Rule("PATCH", path, faults.answer(status, body=body)))
    # Bytes of its own: what another case has pushed is not uploaded again, so nothing would be refused.
    seed = int(hashlib.sha256(f"{method} {path} {status}".encode()).hexdigest()[:6], 16)
    result = regtool("push", 300, seed, 1, f"{faulty.host}/faults/words:v1", status=1)
    assert words in result.stderr
    assert "somebody" not in result.stderr
    if b"NAME_UNKNOWN" in body:
        assert "does not create repositories on push: create faults/words there first" in result.stderr
        assert "login" not in result.stderr


def test_a_repository_that_must_be_created_first(regtool, faulty):
    """The hint names what to create; a registry that has it takes the push."""
    created = set()

    def refuse(x):
        if x.entry.path.startswith(tuple(f"/v2/{name}/" for name in created)):
            return False
        x.respond(404, {"Content-Type": "application/json"}, errors({"code": "NAME_UNKNOWN"}))
        return True

    faulty.add(Rule("POST|PUT", r"/v2/faults/", refuse))
    push = ["push", 300, 77, 1, f"{faulty.host}/faults/created:v1"]
    [hint] = [line for line in regtool(*push, status=1).stderr.splitlines() if line.startswith("hint: ")]
    created.add(re.search(r"create (\S+) there first", hint)[1])
    regtool(*push)


class Sticky:
    """A load balancer: a request without the cookie of the session's POST goes to another server."""

    def __init__(self, proxy, cut=False):
        self.number, self.lost, self.proxy = 0, 0, proxy
        proxy.add(Rule("POST", UPLOAD, self.open))
        if cut:
            proxy.add(Rule("PUT", UPLOAD, lambda x: self.check(x) or faults.break_body_after(500000)(x), times=1))
        proxy.add(Rule("P(UT|ATCH)|GET|DELETE", UPLOAD, self.check))

    def open(self, x):
        self.number += 1
        return faults.header("Set-Cookie", f"route=planted{self.number}; Path=/; HttpOnly")(x)

    def check(self, x):
        if "route=planted" in x.entry.headers.get("cookie", ""):
            return False
        self.lost += 1
        x.respond(404, body=errors({"code": "BLOB_UPLOAD_UNKNOWN"}))
        return True


@pytest.mark.parametrize("cut", [False, True])
def test_cookies_keep_an_upload_at_its_registry(regtool, faulty, cut):
    """Cookies are sent within the session, also after a break; not by other requests or sessions."""
    sticky = Sticky(faulty, cut)
    result = regtool("-v", "-v", "-v", "push", 3 * MB, 6500 + cut, 2, f"{faulty.host}/faults/sticky{int(cut)}:v1")
    assert sticky.lost == 0
    assert not [e for e in faulty.log if "cookie" in e.headers and UPLOAD not in e.path]
    assert not [e for e in faulty.requests("POST") if "cookie" in e.headers]
    assert all(e.headers["cookie"].count("=") == 1 for e in faulty.log if "cookie" in e.headers)
    assert "planted" not in result.stderr


def test_cookies_never_go_to_another_host(regtool, registry, faulty):
    """The session is at another host, and a redirect leads to a third: neither sees the cookie."""
    other = Faulty(registry.host, host="127.0.0.2")
    faulty.add(Rule("POST", UPLOAD, lambda x: (faults.header("Set-Cookie", "route=planted; Path=/")(x),
                                               give_location(x, faulty, other))[0]))
    regtool("push", 3000, 6600, 1, f"{faulty.host}/faults/elsewhere:v1")
    assert other.count("PUT", UPLOAD) == 2
    assert not [e for e in other.log if "cookie" in e.headers]
    other.close()


def give_location(x, front, other):
    inner = x.change_head

    def changed(status, fields):
        status, fields = inner(status, fields)
        return status, [(k, v.replace(front.host, other.host) if k.lower() == "location" else v) for k, v in fields]
    x.change_head = changed


def test_a_registry_that_refuses_cookies_gets_none(regtool, faulty):
    """Some registries take a client that returns a cookie for a browser, and require a CSRF token."""
    faulty.add(Rule("POST", UPLOAD, faults.header("Set-Cookie", "session=1; Path=/")))
    faulty.add(Rule("PUT", UPLOAD, lambda x: "cookie" in x.entry.headers and faults.answer(
        403, body=b"CSRF token invalid")(x)))
    regtool("push", 3000, 6700, 1, f"{faulty.host}/faults/csrf:v1")


def test_429_with_retry_after(regtool, faulty):
    """R-193: koc waits as long as asked, and pauses the whole host."""
    faulty.add(Rule("POST", UPLOAD, faults.answer(429, {"Retry-After": "1"}), times=1))
    begin = time.monotonic()
    regtool("push", 300, 6, 1, f"{faulty.host}/faults/429:v1")
    assert 1 <= time.monotonic() - begin < 5


def waits_in(stderr):
    """[(reason, attempt, ms)] of the waiting events."""
    found = re.findall(r"progress: waiting \S+: (.*) \(attempt (\d+), (\d+) ms\)", stderr)
    return [(reason, int(attempt), int(ms)) for reason, attempt, ms in found]


@pytest.mark.parametrize("number, body, reason", [
    (0, b"", "503 Service Unavailable, Retry-After: 1"),
    (1, b'{"errors":[{"code":"UNAVAILABLE"}]}', "503 Service Unavailable: UNAVAILABLE, Retry-After: 1"),
    (2, b"<h1>down\x1b[31m</h1>", "503 Service Unavailable: down [31m, Retry-After: 1"),
])
def test_a_wait_says_why_and_for_how_long(regtool, faulty, number, body, reason):
    """The reason is never empty, in the event as in the log."""
    faulty.add(Rule("POST", UPLOAD, faults.answer(503, {"Retry-After": "1"}, body), times=3))
    result = regtool("-v", "-v", "push", 300, 60, 1, f"{faulty.host}/faults/why{number}:v1")
    waits = [w for w in waits_in(result.stderr) if w[0] == reason]
    assert {1, 2} <= {attempt for _, attempt, _ in waits}
    assert all(1000 <= ms < 7000 for _, _, ms in waits)
    assert f"registry: {faulty.host}: {reason}; attempt 1, waiting" in result.stderr
    assert f"progress: finished {faulty.host}" in result.stderr
    assert ": ; " not in result.stderr


def test_a_wait_for_a_host_that_refuses_says_so(regtool):
    result = regtool("-v", "--attempts", "3", "manifest", f"127.0.0.1:{free_port()}/faults/refused:v1", status=1)
    assert [w[:2] for w in waits_in(result.stderr)] == [("connection refused", 1), ("connection refused", 2)]
    assert "progress: failed 127.0.0.1" in result.stderr


def test_a_silent_host_is_waited_for_aloud(regtool, faulty):
    """Two seconds without a byte are reported, with the rest of the time limit."""
    faulty.add(Rule("*", "/v2/", faults.delay(3), times=1))
    result = regtool("-v", "manifest", f"{faulty.host}/faults/slow:v1", status=1)
    (reason, attempt, ms), = waits_in(result.stderr)
    assert (reason, attempt) == ("no answer yet", 1)
    assert 20000 < ms < 30000


def test_an_upload_that_broke_says_so_while_it_waits(regtool, faulty):
    """Twice, since libcurl sends a request again by itself when a kept connection breaks."""
    faulty.add(Rule("PUT", UPLOAD, faults.break_body_after(500000), times=2))
    result = regtool("-v", "push", 3 * MB, 61, 1, f"{faulty.host}/faults/broken:v1")
    assert "connection" in waits_in(result.stderr)[0][0], result.stderr


def test_rate_limit(regtool, faulty):
    """R-193, R-196: 5 requests per second; the push takes little longer than the limit requires."""
    faulty.add(Rule("*", "/v2/", Rate(5)))
    begin = time.monotonic()
    regtool("push", 3000, 7, 3, f"{faulty.host}/faults/rate:v1")
    needed = sum(1 for e in faulty.log if e.status != 429) / 5
    assert time.monotonic() - begin < 1.5 * needed + 2


def test_retry_after_too_long(regtool, faulty):
    """R-194: waiting is useless, so it fails at once and says when."""
    faulty.add(Rule("*", "/v2/", faults.answer(429, {"Retry-After": "3600"})))
    begin = time.monotonic()
    result = regtool("push", 300, 8, 1, f"{faulty.host}/faults/quota:v1", status=1)
    assert time.monotonic() - begin < 5
    assert "too many requests" in result.stderr
    assert "3600 s" in result.stderr


def test_pull_truncated_once_per_connection(regtool, registry, faulty):
    """R-122, R-123: resume by Range; hardly a byte is sent twice."""
    target = "faults/truncated:v1"
    pushed = regtool("push", 4 * MB, 9, 1, f"{registry.host}/{target}")
    faulty.add(Rule("GET", r"/blobs/", faults.truncate(1500000)))
    assert regtool("pull", f"{faulty.host}/{target}").ref == digest_of(pushed)
    ranges = [e.headers.get("range") for e in faulty.requests("GET", "/blobs/") if "range" in e.headers]
    assert [r.split("-")[0] for r in ranges] == ["bytes=1500000", "bytes=3000000"]


def test_pull_from_a_server_without_ranges(regtool, registry, faulty):
    """R-122: 200 to a Range request means: the content starts at 0, and koc skips the part that it has."""
    target = "faults/noranges:v1"
    pushed = regtool("push", 2 * MB, 10, 1, f"{registry.host}/{target}")

    def ignore_range(x):
        x.head = b"\r\n".join(l for l in x.head.split(b"\r\n") if not l.lower().startswith(b"range:"))
        return False
    faulty.add(Rule("GET", r"/blobs/", faults.truncate(900000), times=1, skip=1))
    faulty.add(Rule("GET", r"/blobs/", ignore_range))
    assert regtool("pull", f"{faulty.host}/{target}").ref == digest_of(pushed)


def test_shifted_content_range(regtool, registry, faulty):
    """R-122: a 206 of another part is refused."""
    target = "faults/shifted:v1"
    regtool("push", 2 * MB, 11, 1, f"{registry.host}/{target}")
    faulty.add(Rule("GET", r"/blobs/", faults.truncate(900000), times=1, skip=1))
    faulty.add(Rule("GET", r"/blobs/", faults.header("Content-Range", "bytes 5-99/100"), skip=1))
    result = regtool("pull", f"{faulty.host}/{target}", status=1)
    assert "sent another range than koc asked for" in result.stderr


def test_flipped_byte(regtool, registry, faulty):
    """R-120, R-202: refused."""
    target = "faults/flipped:v1"
    regtool("push", 2 * MB, 12, 1, f"{registry.host}/{target}")
    faulty.add(Rule("GET", r"/blobs/", faults.flip(1000), skip=1))
    assert "KOC_EDIGEST" in regtool("pull", f"{faulty.host}/{target}", status=1).stderr


def test_wrong_digest_header_by_tag(regtool, registry, faulty):
    """R-112: crane accepts this one."""
    target = "faults/liar:v1"
    regtool("push", 300, 13, 1, f"{registry.host}/{target}")
    faulty.add(Rule("GET", r"/manifests/", faults.header("Docker-Content-Digest", "sha256:" + "0" * 64)))
    result = regtool("pull", f"{faulty.host}/{target}", status=1)
    assert "the registry says sha256:0000" in result.stderr


def test_head_without_digest(regtool, registry, faulty):
    """R-114: a HEAD without a digest is followed by GET."""
    target = "faults/nodigest:v1"
    pushed = regtool("push", 300, 14, 1, f"{registry.host}/{target}")
    faulty.add(Rule("HEAD", r"/manifests/", faults.header("Docker-Content-Digest", None)))
    assert regtool("resolve", f"{faulty.host}/{target}").stdout.split()[0] == digest_of(pushed)


def test_blackhole(regtool, faulty):
    """R-95: accepts, never answers: one try, and it says so."""
    faulty.add(Rule("*", "/v2/", faults.silence()))
    begin = time.monotonic()
    result = regtool("--first-byte", "1500", "pull", f"{faulty.host}/faults/hole:v1", status=1)
    assert time.monotonic() - begin < 8
    assert "no answer within" in result.stderr


def test_endless_manifest(regtool, faulty):
    """§13: a ceiling on everything."""
    def endless(x):
        x.client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            x.client.sendall(b" " * 65536)
    faulty.add(Rule("GET", r"/manifests/", endless))
    assert "KOC_ELIMIT" in regtool("manifest", f"{faulty.host}/faults/endless:v1", status=1).stderr


def test_huge_head(regtool, faulty):
    """R-96"""
    def huge(x):
        x.client.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 3000) for i in range(100)))
        x.client.sendall(b"\r\n")
        raise faults.Broken(reset=False)
    faulty.add(Rule("GET", r"/manifests/", huge))
    assert "header fields" in regtool("manifest", f"{faulty.host}/faults/huge:v1", status=1).stderr


def test_content_encoding_nobody_asked_for(regtool, registry, faulty):
    """R-93"""
    target = "faults/gzip:v1"
    regtool("push", 300, 15, 1, f"{registry.host}/{target}")
    faulty.add(Rule("GET", r"/manifests/", faults.header("Content-Encoding", "gzip")))
    assert "Content-Encoding" in regtool("manifest", f"{faulty.host}/{target}", status=1).stderr


@pytest.mark.parametrize("location, code, words", [
    ("", "KOC_EFORMAT", "opened an upload without a Location"), ("ftp://HOST/", "KOC_EINVAL", "not an http or https URL"),
    ("http://u:planted@HOST/", "KOC_EINVAL", "does not use URLs with a user name"), ("//", "KOC_EINVAL", "not a host name"),
    ("a b", "KOC_EINVAL", "contains an invalid character")])
def test_bad_locations(regtool, faulty, location, code, words):
    """R-134: whatever is there would take the upload."""
    faulty.add(Rule("POST", UPLOAD, faults.header("Location", location.replace("HOST", faulty.host))))
    faulty.add(Rule("PUT", "", faults.answer(201)))
    result = regtool("-v", "-v", "-v", "push", 300, 16, 1, f"{faulty.host}/faults/location:v1", status=1)
    assert code in result.stderr and words in result.stderr
    assert faulty.count("PUT") == 0
    assert "planted" not in result.stderr


def test_upload_on_another_host(regtool, registry, basic_registry, home):
    """R-135: works, and that host never sees a credential."""
    import registry as registries
    front, other = Faulty(basic_registry.host), Faulty(basic_registry.host, host="127.0.0.2")
    seen = []

    def spy(x):
        seen.append(dict(x.entry.headers))
        basic = registries.base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode())
        x.head += b"\r\nAuthorization: Basic " + basic
        return False
    other.add(Rule("*", "", spy))
    front.add(Rule("POST", UPLOAD, faults.header("Location", lambda v: v.replace(front.host, other.host))))
    registries.docker_config(home, front.host)
    regtool("push", 3000, 17, 1, f"{front.host}/app:v1")
    assert len(seen) == 2
    assert not any("authorization" in h for h in seen)
    front.close()
    other.close()


def test_blob_redirect_to_a_store(regtool, registry, basic_registry, home):
    """R-91, R-92: the store refuses Authorization; it gets no credentials."""
    import registry as registries
    front, store = Faulty(basic_registry.host), Faulty(basic_registry.host, host="127.0.0.2")

    def picky(x):
        if "authorization" in x.entry.headers:
            x.respond(400, body=b"Only one auth mechanism allowed")
            return True
        basic = registries.base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode())
        x.head += b"\r\nAuthorization: Basic " + basic
        return False
    registries.docker_config(home, front.host)
    pushed = regtool("push", 3000, 18, 1, f"{front.host}/app:v1")
    store.add(Rule("*", "", picky))

    def to_store(x):
        x.respond(307, {"Location": f"http://{store.host}{x.entry.path}?X-Amz-Signature=planted"})
        return True
    front.add(Rule("GET", r"/blobs/", to_store))
    pulled = regtool("-v", "-v", "-v", "pull", f"{front.host}/app:v1")
    assert digest_of(pulled) == digest_of(pushed)
    assert store.count("GET", "/blobs/") == 2
    assert "planted" not in pulled.stderr
    front.close()
    store.close()


def test_blob_that_is_not_seen_yet(regtool, faulty):
    """R-126: a blob that was just pushed may take a moment; one that was never pushed fails at once."""
    faulty.add(Rule("GET", r"/blobs/", faults.answer(404), times=1))
    begin = time.monotonic()
    regtool("push-pull", 3000, 40, 1, f"{faulty.host}/faults/late:v1")
    assert 1 < time.monotonic() - begin < 6
    faulty.add(Rule("GET", r"/blobs/", faults.answer(404)))
    faulty.log.clear()
    missing = regtool("pull", f"{faulty.host}/faults/late:v1", status=1)
    assert f"{faulty.host}/faults/late:v1" in missing.stderr and "sha256:" in missing.stderr
    assert faulty.count("GET", r"/blobs/") == 1


def test_foreign_layers_are_left_where_they_are(regtool, tmp_path, faulty):
    """R-125: CVE-2020-15157: neither fetched from their urls, nor sent."""
    registry, target = servers.ggcr(tmp_path / "ggcr"), "faults/foreign"
    pushed = regtool("push", 3000, 41, 1, f"{registry.host}/{target}:v1")
    manifest = json.loads(registry.manifest(target, "v1"))
    manifest["layers"].append({
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": "sha256:" + "1" * 64, "size": 5, "urls": [f"http://{faulty.host}/stolen"]})
    config = json.loads(registry.blob(target, manifest["config"]["digest"]))
    config["rootfs"]["diff_ids"].append("sha256:" + "2" * 64)
    data = json.dumps(config).encode()
    manifest["config"] |= {"digest": digest_text(data), "size": len(data)}
    registry.put_blob(target, data, manifest["config"]["digest"])
    registry.put_manifest(target, "foreign", json.dumps(manifest).encode(), manifest["mediaType"])
    copied = regtool("copy", f"{registry.host}/{target}:foreign", f"{registry.host}/{target}2:v1")
    assert copied.ref != pushed.ref
    assert faulty.log == []
    registry.close()


def test_redirect_loop(regtool, faulty):
    """R-90: at most ten hops."""
    def round_and_round(x):
        x.respond(307, {"Location": x.entry.path})
        return True
    faulty.add(Rule("GET", r"/manifests/", round_and_round))
    result = regtool("manifest", f"{faulty.host}/faults/loop:v1", status=1)
    assert "redirected more than 10 times" in result.stderr
    assert faulty.count("GET") == 11


def test_immutable_tag_that_is_ours(regtool, faulty):
    """R-163, R-166: the PUT is refused, but the tag names this digest: success."""
    faulty.add(Rule("PUT", r"/manifests/", faults.do_but_say(409), times=1))
    regtool("push", 300, 19, 1, f"{faulty.host}/faults/immutable:v1")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500])
def test_mount_refused(regtool, registry, faulty, status):
    """R-132: whatever the answer, the blob is uploaded."""
    regtool("push", 3000, 20, 1, f"{registry.host}/faults/origin:v1")
    faulty.add(Rule("POST", r"mount=", faults.answer(status)))
    target = f"{faulty.host}/faults/mounted{status}"
    regtool("copy", f"{faulty.host}/faults/origin:v1", f"{target}:v1")
    regtool("pull", f"{target}:v1")


def test_blob_lost_before_the_manifest(regtool, faulty):
    """R-161: the registry lost a blob that it accepted; koc sends it again."""
    faulty.add(Rule("PUT", r"/manifests/", faults.answer(
        404, {"Content-Type": "application/json"},
        b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}'), times=1))
    regtool("push", 3000, 21, 1, f"{faulty.host}/faults/lost:v1")
    assert faulty.count("PUT", r"/manifests/") == 2


def test_warnings_are_shown_once(regtool, faulty):
    """R-191, R-192"""
    faulty.add(Rule("*", "/v2/", faults.header("Warning", '299 - "old \x1b[31mregistry"')))
    result = regtool("push", 3000, 22, 2, f"{faulty.host}/faults/warned:v1")
    assert result.stderr.count("says: old [31mregistry") == 1
    assert "\x1b" not in result.stderr


def test_escapes_in_errors(regtool, faulty):
    """R-190, R-191"""
    faulty.add(Rule("*", "/manifests/", faults.answer(403, body=b"<b>no</b> \x1b]0;title\x07 \xff entry")))
    result = regtool("manifest", f"{faulty.host}/faults/escape:v1", status=1)
    assert "\x1b" not in result.stderr
    assert "access denied (no ]0;title entry)" in result.stderr


def test_cancel(regtool, faulty):
    """R-98: a time limit ends a call in the middle of a transfer."""
    faulty.add(Rule("PUT", UPLOAD, faults.silence(30)))
    begin = time.monotonic()
    result = regtool("--timeout", "1500", "push", 3000, 23, 2, f"{faulty.host}/faults/cancel:v1", status=1)
    assert time.monotonic() - begin < 8
    assert "KOC_ETIMEOUT" in result.stderr
