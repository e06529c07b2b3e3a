"""Takedown: an article and a site, out of stores, archive and topics, and they do not come back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from newsmill.newsroom import EXPECTED
from newsmill.urls import host_of, identity
from running import export, log_lines, newsmill

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("replay")]

AMP = "http://science.lumen-review.example/amp/physics/glass-battery"
DESKTOP = "http://science.lumen-review.example/physics/glass-battery"
SITE = "gazette-du-val.example"
GONE = {identity(DESKTOP)} | {
    identity(line.canonical_url)
    for line in EXPECTED
    if line.canonical_url and host_of(line.canonical_url).endswith(SITE)
}


@pytest.fixture(scope="module", name="taken_down")
def _taken_down(pages, tmp_path_factory):
    """A lane of articles and its archive, from which an article and a site were taken."""
    data = tmp_path_factory.mktemp("forget") / "data"
    done = newsmill("replay", pages, "--lane", "check", "--data", data, store="sqlite warc")
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    before = export(data, "check")
    assert {record["id"] for record in before} >= GONE
    cursor = newsmill("export", "--data", data, "--lane", "check", "-o", data / "all.jsonl")
    one = newsmill("forget", DESKTOP, "--reason", "a court's order", "--data", data)
    site = newsmill("forget", SITE, "--data", data)
    assert one.returncode == site.returncode == 0, one.stderr + site.stderr
    assert b"1 articles and 2 archived pages" in one.stderr
    return data, before, cursor.stderr.decode().split()[-1]


def test_it_is_in_no_export_and_show_says_when_and_why_it_went(taken_down):
    data, before, _ = taken_down
    left = export(data, "check")
    assert {r["id"] for r in before} - {r["id"] for r in left} == GONE
    for url in (AMP, DESKTOP, identity(AMP)):
        shown = newsmill("show", url, "--data", data, "--lane", "check")
        assert shown.returncode == 1
        day = datetime.now(UTC).date().isoformat()
        assert f"was taken down {day}" in shown.stderr.decode()
        assert "a court's order" in shown.stderr.decode()
    page = next(line.url for line in EXPECTED if host_of(line.url).endswith(SITE))
    shown = newsmill("show", page, "--data", data, "--lane", "check")
    assert shown.returncode == 1
    assert b"was taken down" in shown.stderr


def test_those_who_pull_are_told_of_it_once(taken_down):
    data, _, cursor = taken_down
    pulled = newsmill("export", "--data", data, "--lane", "check", "--since", cursor)
    lines = [json.loads(line) for line in pulled.stdout.splitlines()]
    assert {line["id"] for line in lines} == GONE
    assert all(line["removed"] for line in lines)
    later = pulled.stderr.decode().split()[-1]
    again = newsmill("export", "--data", data, "--lane", "check", "--since", later)
    assert again.stdout == b""


def test_the_archive_holds_tombstones_in_its_place_and_reads_as_before(taken_down):
    data, before, _ = taken_down
    words = [r["text"].split("\n")[0][:60].encode() for r in before if r["id"] in GONE]
    files = sorted((data / "archive" / "check").glob("*.warc.gz"))
    for path in files:
        with path.open("rb") as file:
            kinds = [(r.rec_type, r.content_stream().read()) for r in WarcioIterator(file)]
        with path.open("rb") as file:
            seen = [
                record.headers["WARC-Type"]
                for record in ArchiveIterator(
                    file, record_types=WarcRecordType.any_type, max_header_len=1 << 21
                )
            ]
        assert [kind for kind, _ in kinds] == seen
        assert sum(kind == "metadata" for kind, _ in kinds) == 7
        for _, content in kinds:
            assert not any(word in content for word in words)


def test_no_later_replay_brings_it_back(taken_down, pages):
    data, _, _ = taken_down
    left = {r["id"] for r in export(data, "check")}
    sources = (data / "archive" / "check", pages)
    done = newsmill("replay", *sources, "--lane", "again", "--data", data)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert {r["id"] for r in export(data, "again")} == left
    refused = [
        line
        for line in log_lines(data / "logs" / "again")
        if line["event"] == "record" and line.get("reason") == "denied"
    ]
    assert {line["service"] for line in refused} == {"producer"}
    assert len(refused) == 7
    assert newsmill("ops", "summary", data / "logs" / "again").returncode == 0


def test_what_names_nothing_is_said_so():
    for wrong in ("example", "ftp://x.example/y", "not an id"):
        done = newsmill("forget", wrong, "--data", "/nonexistent")
        assert done.returncode == 2, wrong
