"""A trace names every worker that touched a page, tells waiting from work, and says where it is."""

from __future__ import annotations

import orjson
import pytest

from newsmill.ops.journey import render_trace, trace_json
from newsmill.ops.trace import trace
from newsmill.urls import identity
from unit.ops.journal import Journal

URL = "https://news.example/2026/a-story"
PAGE = identity(URL)
AMP = "https://news.example/amp/2026/a-story"
AMP_PAGE = identity(AMP)
ARTICLE = PAGE  # the canonical URL is the page's own


def stage(journal: Journal, service: str, topic: str, line: dict, *, commits: bool = True) -> None:
    worker = journal.process(service)
    worker.say("partition.assigned", positions={f"{topic}/2": 40})
    worker.record(topic=topic, partition=2, offset=40, **line)
    if commits:
        journal.now_ms += 10
        worker.say("step.commit", positions={f"{topic}/2": 41}, records=1)


def a_journey(*, archived: bool = True) -> Journal:
    journal = Journal()
    producer = journal.process("producer")
    place = "feeds.state/0"
    producer.say("partition.assigned", positions={place: 0}, steps={place: [0, ""]})
    producer.record("published", "feeds.state", 0, step=1, page_id=PAGE, url=URL)
    producer.record(
        "published", "feeds.state", 0, step=1, page_id="9" * 32, url="https://x.example/"
    )
    producer.say("step.commit", positions={place: 0}, steps={place: 1}, records=2)
    fetcher = journal.process("fetcher")
    fetcher.say("partition.assigned", positions={"entries/0": 0}, steps={"entries/0": [0, ""]})
    journal.now_ms += 5000
    fetcher.record("retried", "entries", 0, offset=0, step=1, page_id=PAGE, reason="unreachable")
    fetcher.say("step.commit", positions={"entries/0": 1}, steps={"entries/0": 1}, records=1)
    journal.now_ms += 2000
    fetcher.record("published", "entries", 0, offset=0, step=2, page_id=PAGE, took_ms=150.0)
    fetcher.say("step.commit", positions={"entries/0": 1}, steps={"entries/0": 2}, records=1)
    done = {"outcome": "published", "page_id": PAGE, "article_id": ARTICLE, "took_ms": 12.5}
    stage(journal, "extractor", "pages", done | {"tier": "markup", "quality": 0.9})
    stage(
        journal,
        "extractor",
        "pages",
        {"outcome": "published", "page_id": AMP_PAGE, "article_id": ARTICLE},
    )
    stage(journal, "enricher", "articles", done)
    if archived:
        stage(journal, "archiver", "enriched", {"outcome": "published", "article_id": ARTICLE})
    return journal


def test_a_page_is_followed_through_every_worker_in_order() -> None:
    found = trace(a_journey().lines, PAGE)

    assert found.found
    assert [(stop.line.service, stop.line.outcome) for stop in found.stops] == [
        ("producer", "published"),
        ("fetcher", "retried"),
        ("fetcher", "published"),
        ("extractor", "published"),
        ("extractor", "published"),
        ("enricher", "published"),
        ("archiver", "published"),
    ]
    assert all(stop.holds for stop in found.stops)
    assert found.url == URL
    assert found.now == "in the stores"


@pytest.mark.parametrize(
    "what", [URL, URL.upper().replace("/2026/A-STORY", "/2026/a-story"), PAGE.upper()]
)
def test_any_spelling_of_it_finds_it(what: str) -> None:
    assert trace(a_journey().lines, what).found


def test_another_form_of_the_article_leads_to_its_own_page_and_the_article() -> None:
    found = trace(a_journey().lines, AMP)

    assert (found.pages, found.articles) == ([AMP_PAGE], [ARTICLE])
    assert [stop.line.service for stop in found.stops] == ["extractor", "archiver"]


def test_waiting_and_work_are_told_apart() -> None:
    stops = trace(a_journey().lines, PAGE).stops

    fetched = stops[2]
    assert fetched.worked_ms == 150.0
    assert fetched.waited_ms == pytest.approx(2000 - 150, abs=10)
    assert stops[1].waited_ms == pytest.approx(5000, abs=10)


def test_where_it_waits_is_said() -> None:
    assert (
        trace(a_journey(archived=False).lines, PAGE).now == "in enriched, waiting for the archiver"
    )


def test_a_death_is_where_it_ends() -> None:
    journal = Journal()
    stage(journal, "extractor", "pages", {"outcome": "dead", "reason": "not_html", "page_id": PAGE})
    assert trace(journal.lines, PAGE).now == "dead: the extractor could not do it (not_html)"


def test_a_line_that_no_commit_covers_does_not_hold() -> None:
    journal = Journal()
    done = {"outcome": "published", "page_id": PAGE}
    stage(journal, "extractor", "pages", done, commits=False)

    found = trace(journal.lines, PAGE)

    assert not found.stops[0].holds
    assert found.now.startswith("with the extractor")
    assert "(not committed)" in render_trace(found)


def test_of_a_worker_that_was_killed_and_its_successor_only_one_line_holds() -> None:
    journal = Journal()
    done = {"outcome": "published", "page_id": PAGE}
    stage(journal, "extractor", "pages", done, commits=False)
    stage(journal, "extractor", "pages", done)

    assert [stop.holds for stop in trace(journal.lines, PAGE).stops] == [False, True]


def test_what_can_be_read_only_once_gives_the_same_answer() -> None:
    lines = a_journey().lines
    assert trace_json(trace(iter(lines), AMP)) == trace_json(trace(lines, AMP))


@pytest.mark.parametrize(
    "what", ["nonsense", "0" * 32, "https://other.example/", "ftp://x", "", "\x1b[2J"]
)
def test_what_nobody_knows_is_not_found_and_said_in_one_line(what: str) -> None:
    found = trace(a_journey().lines, what)

    assert not found.found
    assert "\n" not in render_trace(found)
    assert "\x1b" not in render_trace(found)


def test_a_person_reads_where_it_is_before_how_it_got_there() -> None:
    text = render_trace(trace(a_journey().lines, URL))

    assert text.index("now      in the stores") < text.index("2026-03-01 UTC")
    assert "tier=markup" in text
    assert "lines of 5 workers" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_time_between_two_ways_through_the_stages_is_no_waiting() -> None:
    journal = Journal()
    fetcher, extractor = journal.process("fetcher"), journal.process("extractor")
    for _ in range(2):
        fetcher.record("published", "entries", 0, page_id=PAGE)
        extractor.record("published", "pages", 0, page_id=PAGE)
        journal.now_ms += 6 * 3600 * 1000

    stops = trace(journal.lines, PAGE).stops

    assert [stop.waited_ms for stop in stops] == [None, 1.0, None, 1.0]


def test_a_program_reads_the_same() -> None:
    found = orjson.loads(trace_json(trace(a_journey().lines, PAGE)))
    assert (found["found"], found["now"], len(found["stops"])) == (True, "in the stores", 7)
