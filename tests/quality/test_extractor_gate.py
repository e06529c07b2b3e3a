"""The gate of quality: scores that may rise and not fall, on our fixtures and on corpora at hand.

Corpora with gold (a folder a corpus, ``gold.jsonl`` and ``html/``) are read where
``NEWSMILL_CORPORA`` names the folder of them; ``benchmarks/pins.json`` holds their scores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsmill import urls
from newsmill.extractor.core import extract
from newsmill.records import Page
from quality import variants
from quality.languages import STORIES
from quality.test_extractor_budgets import BENCHMARKS, benchmark
from quality.variants import VARIANTS

SLACK = 0.002  # of a score on corpora: a page or two, no finding
CORPORA = os.environ.get("NEWSMILL_CORPORA", "")


def test_our_fixtures_are_read_without_a_fault() -> None:
    scoring = benchmark("scoring")
    tally = scoring.Tally()
    given = [
        (v.body, v.url, v.content_type, variants.PARAGRAPHS, variants.TITLE, variants.AUTHORS,
         variants.DAY)
        for v in VARIANTS
    ]  # fmt: skip
    given += [
        (s.html(), variants.URL, "text/html; charset=utf-8", s.paragraphs, s.title, s.authors,
         s.published)
        for s in STORIES
    ]  # fmt: skip
    for body, url, kind, paragraphs, title, authors, date in given:
        found = extract(body, Page(page_id=urls.identity(url), url=url, content_type=kind))
        gold = {"text": "\n".join(paragraphs), "title": title, "authors": authors, "date": date}
        tally.add(gold, scoring.Found(found.text, found.title, found.authors, found.published))
    assert set(tally.scores().values()) == {1.0}, tally.scores()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not CORPORA, reason="NEWSMILL_CORPORA names no corpora")
def test_no_score_on_a_corpus_falls_below_its_pin(tmp_path: Path) -> None:
    now = tmp_path / "now.json"
    program = BENCHMARKS / "bench_extract.py"
    words = [sys.executable, str(program), CORPORA, "--only", "", "--pin", str(now)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NEWSMILL_")}
    subprocess.run(words, check=True, env=kept, stdout=subprocess.DEVNULL)
    pinned = json.loads((BENCHMARKS / "pins.json").read_bytes())
    found = json.loads(now.read_bytes())
    fallen = {
        f"{corpus}, {score}": (value, found[corpus].get(score))
        for corpus in found.keys() & pinned.keys()
        for score, value in pinned[corpus].items()
        if found[corpus].get(score, 0.0) < value - SLACK
    }
    assert not fallen
