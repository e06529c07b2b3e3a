"""The sizing page says what its figures come to, and machines grow with the articles."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def sizing(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import sizing

    yield sizing
    del sys.modules["sizing"]


def test_the_page_holds_the_tables_of_the_figures(sizing):
    page = (ROOT / "docs" / "sizing.md").read_text("utf-8")
    told = page.partition(sizing.BEGIN)[2].partition(sizing.END)[0]
    assert told.strip() == sizing.tables(json.loads(sizing.FIGURES.read_bytes()))


def test_cores_grow_with_the_articles_and_one_pod_is_the_least(sizing):
    assert sizing.cores(86.4, 1_000_000, 1.0) == pytest.approx(1 / sizing.BUSY)
    assert sizing._pods(0.01, "enricher") == "0.0 (1)"
    assert sizing._pods(7.2, "enricher") == "7.2 (8)"
    assert sizing._pods(20.0, "extractor") == "20.0 (8 of 3 cores)"
    assert "more partitions" in sizing._pods(9.0, "fetcher")


def test_a_site_publishes_at_its_pace_and_stops_when_told(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from soak_site import Site, page_of

    site = Site(rate=1000.0, hosts=10, pages=[])
    site._started -= 1.0
    stories = site.stop()["stories"]
    assert 1000 <= stories <= 1200
    assert sum(site.out(host) for host in range(10)) == stories, "none after it stopped"
    assert site.page(3, site.out(3)) is None, "a story that is not out"
    assert site.page(3, 0) == page_of(3, 0, site._at(3, 0)), "a page is the same each time"
    assert b"http://paper3.example/story/" in site.feed(3)
