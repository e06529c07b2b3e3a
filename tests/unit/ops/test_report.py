"""The report: what it shows, that it stands alone, and how a real browser shows it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from browser import looked_at
from newsmill.ops.lines import parse
from newsmill.ops.report import html
from newsmill.ops.sites import Sites
from newsmill.ops.summary import Summary
from newsmill.ops.timeline import Timeline
from unit.ops.journal import Journal

EVIL = "<script>alert(1)</script>"


def page_of(journal: Journal) -> str:
    timeline, sites = Timeline(), Sites()
    summary = Summary([sites.heard])
    for raw in journal.lines:
        line = parse(raw)
        assert line is not None
        summary.take(line)
        timeline.take(line)
    summary.close()
    return html(summary, timeline, sites, "Monday")


def a_day() -> Journal:
    journal = Journal()
    worker = journal.process("extractor")
    worker.say("partition.assigned", positions={"pages/0": 0})
    for number in range(50):
        journal.now_ms += 2_000
        dead = number % 10 == 9
        worker.record(
            "dead" if dead else "published", "pages", 0, offset=number, took_ms=3.0 + number,
            age_ms=900, reason="not_html" if dead else None, page_id=f"{number:032x}",
            site="gazette.example", tier=None if dead else "sheet",
        )  # fmt: skip
        worker.say("step.commit", positions={"pages/0": number + 1}, records=1, took_ms=4)
        worker.say("worker.heartbeat", rss_mb=70.0, waiting=50 - number, cpu_s=number)
    worker.say("partition.held", "warning", topic="pages", partition=0, offset=50, why=EVIL)
    return journal


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_it_stands_alone_and_what_a_page_wrote_is_text():
    page = page_of(a_day())
    tags = Tags()
    tags.feed(page)
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not any(name.startswith("on") for _, attrs in tags.seen for name in attrs)
    assert not any({"src", "href", "style"} & set(attrs) for _, attrs in tags.seen)
    assert "default-src 'none'" in page
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_it_shows_the_account_the_reasons_and_the_plots():
    page = page_of(a_day())
    assert "Monday" in page
    assert "pages/0 is held" in page
    assert "not_html" in page
    assert page.count("<figure>") >= 5
    assert f"{9:032x}" in page
    assert "gazette.example" in page
    assert "sheet 45" in page


def test_a_log_without_lines_is_a_page_too():
    assert "<h1>Monday</h1>" in page_of(Journal())


@pytest.mark.parametrize("width", [1280, 375])
def test_a_real_browser_shows_it_whole_and_asks_for_nothing(width, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(page_of(a_day()))
    tab, (wide, figures, title) = looked_at(
        page, tmp_path / "browser", width,
        "document.documentElement.scrollWidth",
        "[...document.querySelectorAll('figure>svg')].filter(f=>f.getBoundingClientRect().width>200)"
        ".length",
        "document.title",
    )  # fmt: skip
    assert wide <= width
    assert figures >= 5
    assert "Monday" in title
    assert tab.faults == []
    assert [url for url in tab.asked if not url.startswith("file:")] == []
