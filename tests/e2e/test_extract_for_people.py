"""``newsmill extract`` for a person: pages by URL, why an article is what it is, beside another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopback import PARAGRAPH, article
from running import newsmill

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("filters")]
SAMPLE = "http://www.harbour-ledger.example/2026/09/14/quay-lights-return/"


def page(folder: Path, more: bytes = b"") -> Path:
    path = folder / "page.html"
    body = article("The bridge is open").body
    assert b"</body>" in body
    path.write_bytes(body.replace(b"</body>", more + b"</body>"))
    return path


def test_a_url_of_the_sample_newsroom_is_fetched_and_extracted() -> None:
    done = newsmill("extract", SAMPLE)
    assert (done.returncode, done.stderr) == (0, b"")
    made = json.loads(done.stdout)
    assert made["url"] == SAMPLE
    assert made["title"]


def test_a_url_that_needs_a_name_is_asked_for_one() -> None:
    done = newsmill("extract", "http://somewhere.invalid/story")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"contact" in done.stderr


def test_an_explanation_names_tier_container_and_what_was_cut(tmp_path: Path) -> None:
    cut = b"<aside class=newsletter>Subscribe to \x1b[31mour newsletter</aside>"
    done = newsmill("extract", "--explain", page(tmp_path, cut))
    assert (done.returncode, done.stderr) == (0, b"")
    told = done.stdout.decode()
    lines = told.splitlines()
    assert lines[0] == "The bridge is open"
    assert any(line.startswith("tier       sheet, quality ") for line in lines)
    assert any(line.startswith("container ") for line in lines)
    assert any(line.startswith("+ ") and PARAGRAPH[:20] in line for line in lines)
    assert any(line.startswith("- ") and "our newsletter" in line for line in lines)
    assert any(line.startswith("title      ") for line in lines)
    assert "\x1b" not in told


def test_a_difference_shows_both_texts_paragraph_by_paragraph(tmp_path: Path) -> None:
    done = newsmill("extract", "--diff", page(tmp_path))
    assert done.returncode == 0
    assert done.stdout.decode().startswith("--- trafilatura\n+++ newsmill\n")


def test_programs_get_article_explanation_and_the_other_text_in_one_line(tmp_path: Path) -> None:
    done = newsmill("extract", "--json", "--explain", "--diff", page(tmp_path))
    (line,) = done.stdout.splitlines()
    made = json.loads(line)
    assert made["title"] == "The bridge is open"
    assert made["explanation"]["tier"] == "sheet"
    assert PARAGRAPH[:20] in made["trafilatura"]


def test_a_page_without_an_article_is_told_and_ends_with_one(tmp_path: Path) -> None:
    path = tmp_path / "none.html"
    path.write_bytes(b"%PDF-1.7 " + bytes(100))
    done = newsmill("extract", "--explain", path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"not_html" in done.stderr


def test_lines_are_not_explained() -> None:
    done = newsmill("extract", "--jsonl", "--explain", stdin=b"")
    assert done.returncode == 2
    assert b"--explain and --diff take URLs or files" in done.stderr
