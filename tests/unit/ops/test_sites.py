"""A site whose extraction changes is named, with what changed and since when; weather is not."""

from __future__ import annotations

import random

import orjson
import pytest

from newsmill.ops.sites import MOST_BINS, Sites
from newsmill.ops.sites_view import render_sites, sites_json
from newsmill.ops.summary import summarise
from unit.ops.journal import Journal

SITE = "www.site.example"


class Newspaper:
    """Pages of one or more sites as an extractor writes of them."""

    def __init__(self, seed: int = 1) -> None:
        self.journal = Journal()
        self.random = random.Random(seed)
        self._worker = self.journal.process("extractor")
        self._worker.say("partition.assigned", positions={"pages/0": 0})
        self._offset = 0

    def pages(self, count: int, site: str = SITE, **fields) -> str:
        """That many pages; gives when the first of them was written."""
        first = ""
        for _ in range(count):
            made = {"outcome": "published", "tier": "sheet", "chars": 2000} | fields
            made["chars"] = int(made["chars"] * self.random.uniform(0.5, 2.0))
            if made["outcome"] != "published":
                made |= {"tier": None, "chars": None}
            made["missing"] = made.get("missing") or None
            page = f"{self._offset:032x}"
            outcome = made.pop("outcome")
            self._worker.record(
                outcome, "pages", 0, offset=self._offset, site=site, page_id=page, took_ms=1, **made
            )
            first = first or orjson.loads(self.journal.lines[-1])["ts"]
            self._offset += 1
            self._worker.say("step.commit", positions={"pages/0": self._offset}, records=1)
        return first

    def sites(self) -> Sites:
        sites = Sites()
        summarise(self.journal.lines, [sites.heard])
        return sites


CHANGES = {
    "missing authors": {"missing": ["authors"]},
    "length": {"chars": 300},
    "yield": {"outcome": "refused", "reason": "no_article"},
    "tier sheet": {"tier": "trafilatura"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_redesign_shows_within_twenty_pages_and_says_since_when(what) -> None:
    paper = Newspaper()
    paper.pages(200)
    since = paper.pages(20, **CHANGES[what])

    changes = {change.what: change for change in paper.sites().changes()}

    assert what in changes
    assert (changes[what].since, changes[what].pages) == (since, 20)
    assert changes[what].examples[0] == f"{200:032x}"


def test_a_change_of_long_ago_is_dated_to_a_tenth_of_its_age() -> None:
    paper = Newspaper()
    paper.pages(3000)
    paper.pages(1500, missing=["published"])

    (site,) = (sites := paper.sites()).by_name.values()
    (change,) = sites.changes()

    assert len(site.bins) <= MOST_BINS
    assert 1350 <= change.pages <= 1650


def test_weather_is_no_change() -> None:
    paper = Newspaper(seed=5)
    for number in range(60):
        site = f"site{number}.example"
        for _ in range(40):
            missing = [name for name in ("authors", "images") if paper.random.random() < 0.3]
            outcome = "dead" if paper.random.random() < 0.1 else "published"
            reason = "crash" if outcome == "dead" else None
            paper.pages(1, site, missing=missing, outcome=outcome, reason=reason)

    assert paper.sites().changes() == []


def test_too_few_pages_say_nothing() -> None:
    paper = Newspaper()
    paper.pages(10)
    paper.pages(4, missing=["title"])
    assert paper.sites().changes() == []


def test_people_read_what_changed_first_and_programs_all_of_it() -> None:
    paper = Newspaper()
    paper.pages(50)
    paper.pages(25, missing=["authors"])
    paper.pages(30, "other.example")
    sites = paper.sites()

    text = render_sites(sites)
    found = orjson.loads(sites_json(sites))

    assert text.startswith(f"CHANGED  {SITE}: missing authors 0 % → 100 % since 2026-03-01")
    assert f"ops trace {50:032x}" in text
    assert max(map(len, text.splitlines())) <= 110
    assert found["changes"][0]["site"] == SITE
    assert {site["site"]: site["pages"] for site in found["sites"]} == {
        SITE: 75,
        "other.example": 30,
    }
    assert render_sites(Sites()) == "No extraction in these logs."
