"""Lists of tags, deletion, and referrers."""

import json

import faulty as faults
from faulty import Rule

INDEX = "application/vnd.oci.image.index.v1+json"


def test_tags(regtool, registry):
    """R-180, R-181: sorted, although this registry does not sort."""
    target = f"{registry.host}/lists/tags"
    regtool("push", "300", "1", "1", f"{target}:b", "a", "c", "B")
    assert regtool("tags", target).lines == ["B", "a", "b", "c"]
    missing = regtool("tags", f"{registry.host}/lists/none", status=1)
    assert "no such repository" in missing.stderr


def pages(links):
    """Answers page i with tag i and the i-th link."""
    def act(x):
        number = len(x.proxy.requests("GET", "tags/list")) - 1
        body = json.dumps({"name": "x", "tags": [f"t{number}"]}).encode()
        link = links[number] if number < len(links) else None
        x.respond(200, {"Content-Type": "application/json"} | ({"Link": link} if link else {}), body)
        return True
    return act


def test_pages(regtool, faulty):
    """R-180: absolute paths and relative ones."""
    faulty.add(Rule("GET", "tags/list", pages(["</v2/x/tags/list?last=t0>; rel=next",
                                               "<list?last=t1>; rel=\"next\""])))
    assert regtool("tags", f"{faulty.host}/x").lines == ["t0", "t1", "t2"]


def test_pages_elsewhere_are_refused(regtool, faulty):
    """R-180: GHSA-h7vf-4x9w-h99v"""
    faulty.add(Rule("GET", "tags/list", pages(["<http://127.0.0.2:1/steal>; rel=next"])))
    assert "names another host (127.0.0.2): refused" in regtool("tags", f"{faulty.host}/x", status=1).stderr


def test_pages_in_a_circle(regtool, faulty):
    """R-180: GHSA-298f-872v-2rcx"""
    faulty.add(Rule("GET", "tags/list", pages(["</v2/x/tags/list?a>; rel=next"] * 50)))
    assert "form a circle" in regtool("tags", f"{faulty.host}/x", status=1).stderr
    assert faulty.count("GET", "tags/list") == 2


def test_delete(regtool, registry):
    """R-185: this registry deletes by digest, not by tag."""
    target = f"{registry.host}/lists/gone"
    digest = regtool("push", "300", "2", "1", f"{target}:v1").ref
    refused = regtool("delete", f"{target}:v1", status=1)
    assert "does not delete tags" in refused.stderr
    assert "removes all its tags" in refused.stderr
    regtool("delete", f"{target}@{digest}")
    assert "no such image" in regtool("delete", f"{target}@{digest}", status=1).stderr


def test_referrers_by_tag(regtool, registry):
    """R-170 to R-173: this registry has no referrers API, so koc maintains the tag, sorted."""
    target = f"{registry.host}/lists/subject:v1"
    subject = regtool("push", "300", "3", "1", target).ref
    assert regtool("referrers", target).stdout == ""
    attached = [regtool("attach", seed, target).ref for seed in ("10", "11", "12")]
    again = regtool("attach", "10", target).ref
    assert again == attached[0]
    assert regtool("referrers", target).lines == sorted(attached)
    tag = subject.replace(":", "-")
    index = json.loads(registry.manifest("lists/subject", tag))
    assert [m["digest"] for m in index["manifests"]] == sorted(attached)
    assert all(m["artifactType"] for m in index["manifests"])
    assert regtool("referrers", target, "application/x-none").stdout == ""


def test_deleted_referrers_leave_the_tag(regtool, registry):
    """R-174: a deleted manifest is removed from the list of referrers."""
    target = f"{registry.host}/lists/withdrawn:v1"
    regtool("push", "300", "31", "1", target)
    attached = [regtool("attach", seed, target).ref for seed in ("30", "31")]
    regtool("delete", f"{registry.host}/lists/withdrawn@{attached[0]}")
    assert regtool("referrers", target).lines == [attached[1]]
    regtool("delete", f"{registry.host}/lists/withdrawn@{attached[1]}")
    assert regtool("referrers", target).lines == []


def test_registry_that_knows_subjects(regtool, faulty):
    """R-170: OCI-Subject: the registry maintains the list."""
    target = f"{faulty.host}/lists/knows:v1"
    subject = regtool("push", "300", "4", "1", target).ref
    faulty.add(Rule("PUT", "/manifests/", faults.header("OCI-Subject", subject)))
    faulty.log.clear()
    regtool("attach", "20", target)
    assert faulty.count("*", "referrers") == 0
    assert faulty.count("PUT", "/manifests/") == 1


def test_registry_with_the_api_but_without_the_header(regtool, faulty):
    """R-170: koc asks the API before it writes the tag."""
    target = f"{faulty.host}/lists/api:v1"
    regtool("push", "300", "5", "1", target)
    empty = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    faulty.add(Rule("GET", "/referrers/", faults.answer(200, {"Content-Type": INDEX}, empty)))
    faulty.log.clear()
    regtool("attach", "21", target)
    assert faulty.count("GET", "referrers") == 1
    assert faulty.count("PUT", "/manifests/") == 1


def test_a_hundred_thousand_tags(regtool, faulty):
    """All repositories, in pages that the registry chooses."""
    tags, count, page = [f"v{i:06}" for i in range(100000)], 100000, 100

    def list_tags(x):
        last = int(x.entry.path.partition("last=")[2] or 0)
        fields = {"Content-Type": "application/json"}
        if last + page < count:
            fields["Link"] = f'</v2/lists/many/tags/list?last={last + page}>; rel="next"'
        x.respond(200, fields, json.dumps({"tags": tags[last:last + page]}).encode())
        return True
    faulty.add(Rule("GET", r"/tags/list", list_tags))
    assert regtool("tags", f"{faulty.host}/lists/many").stdout.split() == tags


def test_too_many_tags_say_so(regtool, faulty):
    """The list has a limit, and the error names it."""
    body = b'{"tags":[' + b",".join(b'"t%d"' % i for i in range(1000001)) + b"]}"
    faulty.add(Rule("GET", r"/tags/list", faults.answer(200, {"Content-Type": "application/json"}, body)))
    result = regtool("tags", f"{faulty.host}/lists/endless", status=1)
    assert "more than 1000000 tags" in result.stderr


def test_something_foreign_under_the_referrers_tag(regtool, registry):
    """The image has no referrers, a warning says why, and the tag stays."""
    name = "lists/foreign"
    subject = regtool("push", 300, 80, 1, f"{registry.host}/{name}:v1").ref
    stand_in = subject.replace(":", "-")
    regtool("push", 300, 81, 1, f"{registry.host}/{name}:{stand_in}")
    before = registry.manifest(name, stand_in)
    listed = regtool("referrers", f"{registry.host}/{name}@{subject}")
    assert listed.stdout == ""
    assert f"the tag {registry.host}/{name}:{stand_in} is not a list of referrers" in listed.stderr
    attached = regtool("attach", 82, f"{registry.host}/{name}:v1", status=1)
    assert "is not a list of referrers" in attached.stderr
    assert registry.manifest(name, stand_in) == before


def test_a_platform_that_a_single_image_is_not_for(regtool, registry):
    reference = f"{registry.host}/lists/single:v1"
    regtool("push", 300, 83, 1, reference)
    result = regtool("pull", reference, "linux/s390x", status=1)
    assert "there is no linux/s390x (it is an image for linux/amd64 alone)" in result.stderr
    regtool("pull", reference, "linux/amd64")
