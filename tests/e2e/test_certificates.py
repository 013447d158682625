"""Certificates that are refused: the error gives dates, names or the authority, and nothing goes out in clear."""

import re

import pytest
from tls import at


def refusal(koc, server, *args, status=1):
    result = koc("digest", *args, f"{server.host}/app:1", status=status)
    assert len(result.errors) == 1 and server.host in result.errors[0], str(result)
    assert "attempts" not in result.errors[0] and "http://" not in result.stderr
    return result


def test_expired(bare_koc, serve_tls):
    server = serve_tls(start=-20, end=-10)
    result = refusal(bare_koc, server, f"--registry-ca={server.ca}")
    day = at(-10).strftime("%Y-%m-%d")
    assert re.search(rf"its certificate expired on {day} \d\d:\d\d UTC$", result.errors[0])
    assert "hint" not in result.stderr


def test_not_yet_valid(bare_koc, serve_tls):
    server = serve_tls(start=5, end=30)
    result = refusal(bare_koc, server, f"--registry-ca={server.ca}")
    start, now = at(5).strftime("%Y-%m-%d"), at(0).strftime("%Y-%m-%d")
    assert re.search(rf"its certificate is not valid before {start} .* \(it is now {now} ", result.errors[0])


@pytest.mark.parametrize(
    "names, shown",
    [
        ("DNS:other.example", "other.example"),
        ("DNS:a.example,DNS:*.b.example,IP:192.0.2.7", "a.example, *.b.example, 192.0.2.7"),
        (",".join(f"DNS:n{i}.example" for i in range(9)), "n3.example, n4.example and 4 more"),
    ],
)
def test_another_name(bare_koc, serve_tls, names, shown):
    server = serve_tls(names)
    result = refusal(bare_koc, server, f"--registry-ca={server.ca}")
    assert f"{shown}, not for localhost" in result.errors[0]


def test_expired_and_unknown(bare_koc, serve_tls):
    """The date is told, whichever the TLS library finds first: no authority cures it."""
    result = refusal(bare_koc, serve_tls(start=-20, end=-10))
    assert "expired on" in result.errors[0] and "hint" not in result.stderr


@pytest.mark.parametrize("chain", [True, False])
def test_unknown_authority_is_named(bare_koc, serve_tls, chain):
    result = refusal(bare_koc, serve_tls(chain=chain))
    assert re.search(r"signed by an unknown authority \(CN ?= ?koc lab\)", result.errors[0])


def test_self_signed(bare_koc, serve_tls):
    result = refusal(bare_koc, serve_tls(self_signed=True))
    assert re.search(r"is self-signed \(CN ?= ?localhost\)", result.errors[0])


def test_the_second_look_sends_nothing(bare_koc, serve_tls, home):
    """No request, and so no credential, reaches a server whose certificate is refused."""
    server = serve_tls(start=-20, end=-10)
    bare_koc("login", "--check=false", "-u", "koc", "--password-stdin", server.host, stdin="planted")
    before = server.log.read_text()
    refusal(bare_koc, server, f"--registry-ca={server.ca}")
    assert '"GET ' not in server.log.read_text()[len(before) :]


def test_good_certificates_are_not_looked_at_twice(bare_koc, serve_tls):
    server = serve_tls()
    result = bare_koc("ls", f"--registry-ca={server.ca}", server.host)
    assert result.stderr == "" and "TLS handshake error" not in server.log.read_text()
