"""``newsmill run`` on the sample newsroom, as a newcomer sees it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest

from newsmill.newsroom import ARTICLES, CORRECTED, EXPECTED, PAGES
from running import export, log_lines, newsmill

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("run")]


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def test_it_ends_well_and_says_what_came_of_it(ran):
    data, done = ran
    told = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert f"{ARTICLES} articles are in {data}/stores/live.db" in told
    assert "robots.txt forbids it" in told
    assert "no article: a listing, a login, a stub" in told
    took = re.search(r"done in (\d+) s", told)
    assert took
    assert int(took[1]) < 60


def test_the_three_commands_it_names_work(ran):
    _, done = ran
    told = done.stdout.decode().split("Try next:")[1].strip().splitlines()
    assert len(told) == 3
    for line in told:
        words = shlex.split(line.split(">")[0])
        assert subprocess.run(words, capture_output=True, check=False).returncode == 0, line


def test_every_article_page_comes_out_once_with_what_it_states(ran):
    data, _ = ran
    pages = [line for line in log_lines(data / "logs") if line["event"] == "record"]
    stored = {line["url"] for line in pages if line["stage"] == "archiver"}
    wanted = {one.url for one in EXPECTED if one.kind == "article"}
    assert stored == wanted
    assert len(wanted) == PAGES
    articles = {article["canonical_url"]: article for article in export(data)}
    missing = []
    for one in EXPECTED:
        if one.kind != "article":
            continue
        article = articles[one.canonical_url]
        text = _plain(article["text"])
        if one.url == article["url"] and _plain(article["title"]) != _plain(one.title):
            missing.append((one.url, "title", article["title"]))
        if not article["published"]:
            missing.append((one.url, "published"))
        if not article["authors"]:
            missing.append((one.url, "authors"))
        if article["language"] != one.language:
            missing.append((one.url, "language", article["language"]))
        missing += [(one.url, "text", m) for m in one.must if text.count(_plain(m)) != 1]
        missing += [(one.url, "noise", m) for m in one.must_not if _plain(m) in text]
    assert not missing


def test_pages_that_are_no_articles_are_turned_away_with_a_reason(ran):
    data, _ = ran
    told = {
        line["url"]: (line["outcome"], line["reason"])
        for line in log_lines(data / "logs")
        if line["event"] == "record" and line["outcome"] in ("refused", "dead")
    }
    assert told == {o.url: (o.kind, o.reason) for o in EXPECTED if o.kind in ("refused", "dead")}


def test_the_corrected_story_shows_its_newer_text(ran):
    data, _ = ran
    shown = newsmill("show", CORRECTED, "--data", data, "--json")
    article = json.loads(shown.stdout)
    truth = next(one for one in EXPECTED if one.url == CORRECTED)
    assert _plain(article["title"]) == _plain(truth.title)
    assert truth.earlier_title not in article["title"]


def test_the_logs_balance(ran):
    data, _ = ran
    done = newsmill("ops", "summary", "--data", data, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["balanced"]


def test_a_second_run_finds_nothing_new_and_exports_the_same_bytes(ran):
    data, _ = ran
    before = newsmill("export", "--data", data).stdout
    again = newsmill("run", "--data", data)
    assert again.returncode == 0
    assert "Nothing new since the last run." in again.stdout.decode()
    assert newsmill("export", "--data", data).stdout == before


def test_slow_and_busy_hosts_delay_nobody_else(ran):
    """Between two fetches of one quick host there is its own spacing, and no more."""
    data, _ = ran
    starts: dict[str, list[float]] = {}
    for line in log_lines(data / "logs"):
        if line["event"] == "record" and (line["stage"], line["outcome"]) == (
            "fetcher",
            "published",
        ):
            starts.setdefault(line["site"], []).append(_seconds(line["ts"]))
    # The slow and the busy host themselves, and the one whose feed brings a story again, later.
    for site in ("slow-press.example", "evening-rush.example", "tidewire.example"):
        del starts[site]
    gaps = {site: [b - a for a, b in pairwise(times)] for site, times in starts.items()}
    assert len(gaps) >= 5
    assert all(gap < 2.5 for those in gaps.values() for gap in those), gaps


def _seconds(ts: str) -> float:
    hours, minutes, seconds = ts[11:23].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_a_second_run_on_the_same_log_is_refused_in_one_line(tmp_path: Path):
    from newsmill.cli.hold import sole_owner

    with sole_owner(tmp_path / "bus", name="run-live.lock"):
        done = newsmill("run", "--data", tmp_path / "data", "--bus", f"file:{tmp_path / 'bus'}")
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "another newsmill run" in done.stderr.decode()
