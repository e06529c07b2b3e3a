"""The live screen: what it says of stages, of silence, of what is held, and how it fits."""

from __future__ import annotations

from newsmill.ops.follow import Live, screen
from unit.ops.journal import Journal


def live_of(journal: Journal) -> Live:
    live = Live()
    live.feed(journal.lines)
    return live


def at_work(journal: Journal, name: str = "extractor", slot: int = 0):
    worker = journal.process(name, slot)
    for number in range(20):
        journal.now_ms += 1_000
        worker.record("published", "pages", slot, offset=number, took_ms=5)
        worker.say("worker.heartbeat", rss_mb=64.0, waiting=3)
    return worker


def test_a_quiet_screen_says_so():
    journal = Journal()
    at_work(journal)
    shown = screen(live_of(journal), 100, 30)
    assert "Nothing is wrong." in shown
    assert "1 at work, 64 MB" in shown
    row = next(line for line in shown.split("\n") if line.startswith("extractor"))
    assert "█" in row
    assert " 3 " in row


def test_a_worker_that_says_nothing_any_more_is_named():
    journal = Journal()
    at_work(journal)
    journal.now_ms += 200_000
    at_work(journal, "enricher")
    assert "! extractor-0 is silent for 3 min" in screen(live_of(journal), 100, 30)


def test_what_is_held_stands_until_it_is_passed():
    journal = Journal()
    worker = at_work(journal)
    worker.say("partition.held", "warning", topic="pages", partition=0, offset=20, why="version 9")
    live = live_of(journal)
    assert "extractor: pages/0 is held" in screen(live, 100, 30)
    before = len(journal.lines)
    worker.say("step.commit", positions={"pages/0": 21}, records=1)
    live.feed(journal.lines[before:])
    assert "is held" not in screen(live, 100, 30)


def test_the_dead_are_counted_by_reason_and_a_stopped_worker_is_not_silent():
    journal = Journal()
    worker = at_work(journal)
    worker.record("dead", "pages", 0, offset=30, reason="not_html")
    worker.say("worker.stop", why="asked to stop")
    journal.now_ms += 500_000
    at_work(journal, "enricher")
    shown = screen(live_of(journal), 100, 30)
    assert "! extractor: 1 dead: not_html" in shown
    assert "silent" not in shown


def test_it_never_passes_its_columns_and_rows_nor_obeys_what_a_page_wrote():
    journal = Journal()
    worker = at_work(journal)
    for number in range(50):
        why = f"\x1b[2J{'x' * 300}{number}"
        worker.say("host.backoff", "warning", site="a.example", why=why)
    shown = screen(live_of(journal), 60, 20)
    assert len(shown.split("\n")) <= 20
    assert max(map(len, shown.split("\n"))) <= 60
    assert "\x1b" not in shown


def test_without_lines_it_says_so():
    assert "no line yet" in screen(Live(), 80, 24)
