"""The manifest of a replay: written whole, read back, and compared line by line."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from newsmill.errors import Misconfigured
from newsmill.replay import manifest
from newsmill.replay.manifest import Digests, Made, Manifest, Run, Source
from newsmill.replay.versions import code_digest, versions


def source(name="a.warc", size=3, digest="x", path=None):
    return Source(name=name, path=path or f"/data/{name}", size=size, digest=digest)


BASE = Manifest(
    lane="check",
    made="2026-11-24T12:00:00Z",
    runs=(Run(given=("/data",), sources=(source(),)),),
    versions={"newsmill": "1"},
    configuration={"fetch": False},
    configuration_digest="d",
    counts={"extractor": {"published": 5}},
    reasons={"extractor": {"refused no_article": 1}},
    output=Made(records=5, digest="aa"),
)


def with_sources(*sources):
    return replace(BASE, runs=(Run(given=("/data",), sources=sources),))


def test_it_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "lanes" / "check" / "manifest.json"
    manifest.write(BASE, path)
    assert manifest.read(path) == BASE
    assert [each.name for each in path.parent.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"newsmill_manifest": 1}', "[1]", "\\udc80"])
def test_what_is_no_manifest_is_said_in_one_line(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=r"m\.json: no manifest of a replay"):
        manifest.read(path)
    with pytest.raises(Misconfigured, match="No such file"):
        manifest.read(tmp_path / "none")


def test_sources_that_differ_are_named():
    assert manifest.other_sources(BASE, BASE) == []
    moved = with_sources(source(path="/elsewhere/a.warc"))
    assert manifest.other_sources(BASE, moved) == []
    changed = manifest.other_sources(BASE, with_sources(source(digest="y")))
    assert changed == ["source a.warc: it was changed (other bytes)"]
    longer = manifest.other_sources(BASE, with_sources(source(size=4, digest="y")))
    assert longer == ["source a.warc: it was changed (3 bytes, now 4)"]
    other = manifest.other_sources(BASE, with_sources(source("b.warc")))
    assert other == ["source a.warc: not there any more", "source b.warc: it was not there"]


def test_sources_of_one_name_are_told_apart():
    two = with_sources(source(path="/1/a"), source(path="/2/a", digest="z"))
    changed = with_sources(source(path="/1/a"), source(path="/2/a", digest="w"))
    assert manifest.other_sources(two, two) == []
    assert len(manifest.other_sources(two, changed)) == 1


def test_results_that_differ_are_named():
    assert manifest.other_results(BASE, replace(BASE, made="later", lane="other")) == []
    fewer = replace(BASE, counts={"extractor": {"published": 4, "dead": 1}})
    assert manifest.other_results(BASE, fewer) == [
        "extractor dead: none, now 1",
        "extractor published: 5, now 4",
    ]
    assert manifest.other_results(BASE, replace(fewer, counted=False)) == []
    other = replace(BASE, output=Made(records=5, digest="bb"))
    assert manifest.other_results(BASE, other) == ["digest of the output: aa, now bb"]


def test_versions_and_settings_that_differ_are_named():
    other = replace(BASE, versions={"newsmill": "2"}, configuration={"fetch": True})
    assert manifest.other_shape(BASE, other) == [
        "version of newsmill: 1, now 2",
        "setting fetch: False, now True",
    ]


def test_the_same_command_again_keeps_its_place_among_the_runs_of_a_lane():
    one, two = Run(given=("/1",), sources=()), Run(given=("/2",), sources=(source(),))
    assert manifest.with_run(None, one) == (one,)
    both = replace(BASE, runs=(one, two))
    again = replace(one, sources=(source("c"),))
    assert manifest.with_run(both, again) == (again, two)
    assert manifest.with_run(replace(BASE, runs=(one,)), two) == (one, two)


def test_sources_are_digested_as_they_are(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc" * 500_000)
    digests = Digests([(path, "a")])
    (found,) = digests.result()
    digests.close()
    assert found.size == 1_500_000
    assert found.digest == hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()
    gone = Digests([(tmp_path / "none", "none")])
    with pytest.raises(Misconfigured, match="No such file"):
        gone.result()
    gone.close()


def test_versions_name_code_and_libraries():
    found = versions({"extractor": "7"})
    assert found["extractor"] == "7"
    assert found["code"] == code_digest()
    assert {"newsmill", "python", "lxml", "unicode"} <= found.keys()
