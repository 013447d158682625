"""Templates of flags: koc fills them in as the real ko does, and refuses what ko refuses.

Both get a go that writes its arguments down and builds nothing.
"""

import json
import re
import shutil

import pytest

GOOD = [
    "{{.Env.WORD}}",
    "{{if .Env.WORD}}yes{{else}}no{{end}}",
    '{{if eq .Env.WORD "x"}}a{{else if eq .Env.WORD "two words"}}b{{else}}c{{end}}',
    '{{with .Env.WORD}}<{{.}}>{{end}}{{with ""}}x{{else}}empty{{end}}',
    '{{with ""}}x{{else with .Env.WORD}}{{.}}{{end}}',
    "{{$x := .Env.WORD}}{{$x}}{{$x = `z`}}{{$x}}",
    "{{range 3}}{{.}},{{end}}",
    "{{range $i := 4}}{{$i}}{{end}}",
    "{{range 0}}x{{else}}none{{end}}",
    "{{range 9}}{{if eq . 2}}{{continue}}{{end}}{{if gt . 5}}{{break}}{{end}}{{.}}{{end}}",
    "{{range $k, $v := .Git}}{{if ne $k `CommitDate`}}{{$k}};{{end}}{{end}}",
    '{{range $k, $v := .Env}}{{if eq $k "WORD"}}{{$k}}={{$v}}{{end}}{{end}}',
    '{{$n := 0}}{{range $k, $v := .Env}}{{if eq $k "WORD"}}{{$n = 1}}{{end}}{{end}}{{$n}}',
    '{{$k := ""}}{{$v := ""}}{{range $k, $v = .Env}}{{if eq $k "WORD"}}{{break}}{{end}}{{end}}{{$k}}={{$v}}',
    '{{range .Env}}{{if eq . "two words"}}[{{.}}]{{end}}{{end}}',
    "{{range 2}}{{range $i := 2}}{{$i}}{{break}}{{end}}|{{end}}",
    "{{range 2}}{{.}}{{end}}{{range $x := 2}}{{$x}}{{$.Env.WORD}}{{end}}",
    '{{define "a"}}<{{.}}>{{end}}{{template "a" .Env.WORD}}{{template "a"}}',
    '{{template "later" 3}}{{define "later"}}{{range .}}*{{end}}{{end}}',
    '{{block "b" .Env.WORD}}[{{.}}]{{end}}{{template "b" 7}}',
    '{{define "x"}} {{end}}{{define "x"}}full{{end}}{{template "x"}}',
    '{{define "r"}}{{if .}}{{len .}}{{template "r" (slice . 1)}}{{end}}{{end}}{{template "r" "abcd"}}',
    '{{define "v"}}{{$}}{{end}}{{$o := 1}}{{template "v" 5}}{{$o}}',
    "{{html `<a href=\"x\">'&'</a>`}}",
    "{{`<b>` | html | js}}",
    "{{js `it's \"x\" <&=> \\ /`}}",
    '{{js "tab\\tnl\\n"}}',
    "{{urlquery `a b/c?d=é&~-_.`}}",
    '{{urlquery "x" 1 2 "y"}}{{html 1 2}}{{js "a" 1}}',
    '{{slice "abcdef" 1 3}}{{slice "abc"}}{{slice "abc" 2}}{{slice "abc" 3}}',
    '{{index "abc" 1}}{{index .Env "WORD"}}{{index .Env "NOT-THERE"}}',
    "{{len .Env.WORD}}{{len .Git}}",
    '{{printf "%s-%d-%q-%v-%x-%X-%t" .Env.WORD 7 "q" true 255 "hi" false}}',
    '{{printf "%5d|%-5d|%05d|%+d|%b|%o|%#b|%#o|%#x|%%" 42 42 42 42 5 8 5 8 255}}',
    '{{printf "%5s|%-5s|%.2s" "a" "b" "cdef"}}',
    '{{print 1 2 "a" "b" 3}}{{println "x"}}',
    '{{and 1 0}}{{and 1 2}}{{or 0 ""}}{{or "" "b"}}{{not 1}}{{not ""}}',
    "{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge 1 2}}{{eq 1 2 1}}{{ne 1 2}}",
    '{{lt "a" "b"}}{{eq "a" "b" "a"}}',
    "{{/* a comment */}}x {{- /* another */ -}} y {{- 3 -}} z",
    '{{"quoted\\x41"}}{{`raw`}}{{\'a\'}}{{0x1f}}{{1_000}}{{true}}',
    '{{(index .Env "WORD") | printf "%s!"}}{{(slice "abc" 1) | len}}',
    "{{.Timestamp}}{{.Date}}",
    "{{.Git.Branch}}{{.Git.IsClean}}{{.Git.TreeState}}",
    '{{printf "%v" .Git.IsDirty}}{{if .Git}}g{{end}}',
    "{{if .}}root{{end}}",
    "{{with $x := 3}}{{$x}}{{end}}",
]
BAD = [
    "{{range}}",
    '{{range "abc"}}x{{end}}',
    "{{range true}}x{{end}}",
    "{{range $a, $b := 3}}x{{end}}",
    "{{range $a, $b, $c := .Env}}x{{end}}",
    "{{break}}",
    "{{if 1}}{{continue}}{{end}}",
    '{{template "nope"}}',
    "{{template nope}}",
    '{{define "a"}}x{{end}}{{define "a"}}y{{end}}{{template "a"}}',
    '{{if 1}}{{define "a"}}x{{end}}{{end}}',
    '{{define "a"}}{{$outer}}{{end}}{{$outer := 1}}',
    '{{range 2}}{{block "b" .}}{{break}}{{end}}{{end}}',
    '{{define "a"}}x',
    "{{block `b` .}}x",
    '{{slice "abc" 4}}',
    '{{slice "abc" 2 1}}',
    '{{slice "abc" 0 1 2}}',
    "{{slice 3 1}}",
    '{{index "abc" 3}}',
    "{{call .Env.WORD}}",
    "{{.Env.NOT_THERE}}",
    "{{len 3}}",
    "{{html}}{{nope}}",
    "{{range 2}}x{{else range 2}}y{{end}}{{end}}",
    '{{eq 1 "a"}}',
    "{{if $x, $y := .Env}}x{{end}}",
]


@pytest.fixture
def go_that_tells(tmp_path):
    """A fake: it writes the arguments of `go build` to a file and fails, else it is go."""
    path, log = tmp_path / "go-that-tells", tmp_path / "arguments"
    path.write_text(
        f"""#!/bin/sh
[ "$1" = build ] || exec {shutil.which("go")} "$@"
for a; do printf '%s\\0' "$a"; done >{log}
exit 1
"""
    )
    path.chmod(0o755)

    def read():
        text = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        return next((a for a in text.split("\0") if a.startswith("-ldflags=")), None)

    return path, read


@pytest.fixture
def rendered(koc, ko, app, bases, go_that_tells):
    """What each tool makes of a list of templates; None where it refuses."""
    path, read = go_that_tells
    app.git()

    def run(templates):
        app.settings(json.dumps({"builds": [{"main": "./cmd/tool", "ldflags": templates}]}))
        env = {
            "KO_GO_PATH": path,
            "KO_DEFAULTBASEIMAGE": bases["index"],
            "WORD": "two words",
            "SOURCE_DATE_EPOCH": "1700000000",
        }
        answers = []
        for tool in (koc, ko):
            result = tool("build", "--sbom=none", "./cmd/tool", cwd=app, env=env, status=1)
            answers.append((read(), result.stderr))
        return answers

    return run


def test_templates_give_what_ko_gives(rendered):
    (ours, said), (theirs, _) = rendered([f"<{n}>{text}</{n}>" for n, text in enumerate(GOOD)])
    assert theirs, "ko refuses one"
    assert ours, said
    for n, text in enumerate(GOOD):
        match = [re.search(f"<{n}>(.*)</{n}>", each, re.DOTALL) for each in (ours, theirs)]
        assert match[0] and match[1] and match[0][1] == match[1][1], text


@pytest.mark.parametrize("text", BAD)
def test_templates_that_ko_refuses_are_refused(rendered, text):
    (ours, said), (theirs, _) = rendered([text])
    assert theirs is None and ours is None
    assert ".ko.yaml: builds[0].ldflags[0]:1:" in said


LOOPS = {
    '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}': "deep",
    '{{define "a"}}{{template "b"}}{{end}}{{define "b"}}{{template "a"}}{{end}}{{template "b"}}': "deep",
    "{{range 1000000000}}{{end}}": "steps",
    "{{range 100000}}{{range 100000}}{{end}}{{end}}": "steps",
    "{{range 900000}}twelve bytes{{end}}": "",
    '{{$x := "ab"}}{{range 100}}{{$x = print $x $x}}{{end}}{{$x}}': "",
}


@pytest.mark.parametrize("text", LOOPS)
def test_templates_without_end_are_stopped(koc, app, text):
    app.settings(json.dumps({"builds": [{"main": "./cmd/tool", "ldflags": [text]}]}))
    result = koc("build", "--base-image=scratch", "./cmd/tool", cwd=app, status=1, timeout=60)
    assert LOOPS[text] in result.stderr and len(result.errors) == 1
