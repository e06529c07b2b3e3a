"""``newsmill profile``: figures by tier and step, and a flame graph of one's own pages."""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loopback import PARAGRAPH, article, page_line
from running import newsmill

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("filters")]


def test_a_folder_of_pages_is_measured_step_by_step(tmp_path: Path) -> None:
    corpus = tmp_path / "pages"
    corpus.mkdir()
    (corpus / "one.html").write_bytes(article("The first of two pages").body)
    (corpus / "two.html.gz").write_bytes(gzip.compress(article("The second of them").body))
    (corpus / "notes.txt").write_text("no page")
    graph = tmp_path / "graph.svg"
    done = newsmill("profile", corpus, "-o", graph)
    assert (done.returncode, done.stderr) == (0, b"")
    told = done.stdout.decode()
    assert told.startswith("2 pages, ")
    for words in ("  parse ", "  metadata ", "slowest pages", "two.html.gz", "blocks left"):
        assert words in told
    ElementTree.parse(graph)
    assert "newsmill.extractor.core.extract.extract" in graph.with_suffix(".folded").read_text()


def test_page_lines_are_pages_too_and_bad_ones_are_named(tmp_path: Path) -> None:
    lines = tmp_path / "pages.jsonl"
    good = page_line("a", f"A title\n{PARAGRAPH}\n{PARAGRAPH}")
    lines.write_bytes(good + b"\n" + b'{"id": "none"}\n')
    done = newsmill("profile", lines, "--traced", "0", "-o", tmp_path / "g.svg")
    assert done.returncode == 0
    assert b"a line is left out" in done.stderr
    assert b"plain" in done.stdout
    assert b"blocks left" not in done.stdout


def test_a_folder_without_pages_is_said_in_one_line(tmp_path: Path) -> None:
    done = newsmill("profile", tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode() == f"newsmill: {tmp_path}: no pages (.html, .html.gz) in it\n"
