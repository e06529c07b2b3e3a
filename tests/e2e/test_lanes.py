"""Lanes as an operator has them: listed, compared, promoted, dropped, and made anew by another."""

from __future__ import annotations

import json
import shutil
import signal
import site
import sys
import venv
from contextlib import closing
from pathlib import Path

import pytest

import newsmill as package
from e2e.workers import enriched
from newsmill import bus
from newsmill.archiver.warc import RawPage, WarcArchive
from newsmill.bus.base import Place
from newsmill.errors import BadRecord
from newsmill.process.pages import read_line
from newsmill.records import page_header
from newsmill.topics import ENRICHED
from running import export, newsmill

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("replay")]


@pytest.fixture(name="data")
def _data(replayed, tmp_path):
    """A data folder with the replay of the newsroom's pages as lane ``check``."""
    return shutil.copytree(replayed.data, tmp_path / "data")


def told(*words, code=0):
    done = newsmill(*words)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode()


def test_a_lane_is_listed_promoted_compared_and_dropped(data):
    where = ("--data", data)
    listed = map(json.loads, told("lane", "list", "--json", *where).splitlines())
    lane = {one["lane"]: one for one in listed}["check"]
    assert (lane["articles"], lane["pages"]) == (43, 44)
    assert (lane["in_use"], lane["waiting"]) == (False, 0)
    assert "44 pages taken over, 0 the same already" in told("lane", "promote", "check", *where)
    assert "0 pages taken over, 44 the same" in told("lane", "promote", "check", *where)
    assert export(data) == export(data, "check") != []
    page = data / "diff.html"
    diff = json.loads(told("lane", "diff", "live", "check", "--json", "--html", page, *where))
    assert (diff["same"], diff["changed"], diff["new"], diff["gone"]) == (44, 0, 0, 0)
    assert "<!doctype html>" in page.read_text()
    assert "Nothing differs" in told("lane", "diff", "live", "check", *where)
    told("lane", "drop", "check", "--yes", *where)
    assert "\ncheck " not in told("lane", "list", *where)
    assert not list(data.rglob("*check*"))
    assert enriched(f"file:{data / 'bus'}", "check") == []
    assert len(export(data)) == 43


def test_what_must_not_be_dropped_is_not(data):
    where = ("--data", data)
    told("lane", "drop", "live", "--yes", *where, code=2)
    told("lane", "drop", "none", "--yes", *where, code=1)
    told("lane", "drop", "check", *where, code=2)  # nobody is there to be asked
    with closing(bus.connect(f"file:{data / 'bus'}", "check")) as opened:
        opened.join("reader", [ENRICHED]).poll(0)
        refused = newsmill("lane", "drop", "check", "--yes", *where)
        assert refused.returncode == 2
        assert "in use: reader has a living member" in refused.stderr.decode()
    assert len(enriched(f"file:{data / 'bus'}", "check")) == 44


@pytest.mark.parametrize("words", [("diff", "live", "check"), ("promote", "none")])
def test_a_lane_that_is_not_there_is_said_to_be_so(data, words):
    done = newsmill("lane", *words, "--data", data)
    assert done.returncode == 2
    assert "no articles of it in sqlite" in done.stderr.decode()


def test_a_promotion_killed_in_the_middle_leaves_nothing_and_is_done_again(data):
    where = ("--data", data)
    killed = newsmill("lane", "promote", "check", *where, crash_at="store.written")
    assert killed.returncode == -signal.SIGKILL
    assert export(data) == []
    assert "44 pages taken over" in told("lane", "promote", "check", *where)


def kept(pages, data, number):
    """The raw archive of live, with some of the recorded pages in it."""
    rows = []
    for line in pages.read_bytes().splitlines():
        try:
            page, body = read_line(line)
        except BadRecord:
            continue
        rows.append(RawPage(page, page_header(page), body))
    archive = WarcArchive(data / "archive" / "live", "live")
    archive.write(rows[:number], "log", {}, {Place("pages", 0): number})
    archive.close()


@pytest.fixture(name="other_python")
def _other_python(tmp_path):
    """An environment of its own with another newsmill: it calls every article the same."""
    services = tmp_path / "other"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(package.__file__).parent, services / "newsmill", ignore=ignored)
    with (services / "newsmill/extractor/core/extract.py").open("a") as module:
        module.write(
            "\n\n_extract = extract\n\n\ndef extract(*args, **how):\n"
            '    return dataclasses.replace(_extract(*args, **how), title="Another title")\n'
            "\n\nimport dataclasses\n"
        )
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = [str(services), *site.getsitepackages()]
    (folder / "lib" / version / "site-packages" / "other.pth").write_text("\n".join(paths))
    return folder / "bin" / "python"


def test_another_version_is_judged_by_what_it_makes_of_the_kept_pages(pages, data, other_python):
    where = ("--data", data)
    told("lane", "promote", "check", *where)
    told("reprocess", "--lane", "next", *where, code=2)  # nothing was kept
    kept(pages, data, 12)
    before = export(data)
    words = ("reprocess", "--lane", "next", "--with", other_python, *where)
    report = told(*words)
    made = export(data, "next")
    assert {article["title"] for article in made} == {"Another title"}
    assert f"changed{len(made):>25}" in report
    assert "pages are gone" in report
    assert "Another title" in (data / "lanes" / "next" / "diff.html").read_text()
    assert (data / "lanes" / "next" / "manifest.json").exists()
    assert export(data) == before
    with closing(bus.connect(f"file:{data / 'bus'}", "live")) as opened:
        assert "next" not in opened.lanes()
    told("lane", "promote", "next", *where)
    assert sum(article["title"] == "Another title" for article in export(data)) == len(made)


def test_an_interpreter_without_a_newsmill_is_said_to_have_none(pages, data, tmp_path):
    kept(pages, data, 1)
    for python in (tmp_path / "none", shutil.which("true"), sys.base_prefix + "/bin/python3"):
        done = newsmill("reprocess", "--lane", "next", "--with", python, "--data", data)
        assert done.returncode == 2, python
        assert f"--with {python}: " in done.stderr.decode()
