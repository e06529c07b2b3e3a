"""The live screen: what it says of stages, of silence, of what is held, and how it fits."""

from __future__ import annotations

from newsmill.ops.follow import Live
from newsmill.ops.screen import screen
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


def test_silence_is_told_by_the_present_time_and_not_by_the_last_line():
    journal = Journal()
    at_work(journal)
    live = live_of(journal)
    assert "Nothing is wrong." in screen(live, 100, 30, "2026-03-01T08:01:00.000Z")
    shown = screen(live, 100, 30, "2026-03-01T08:30:00.000Z")
    assert "the last line 29 min" in shown
    assert "! no worker has written a line for 29 min" in shown


def test_a_crash_an_end_with_an_error_and_an_empty_place_are_told():
    journal = Journal()
    at_work(journal)
    at_work(journal)
    shown = screen(live_of(journal), 100, 30)
    assert "! extractor-0 crashed or was killed; started again" in shown
    at_work(journal, "archiver").say("worker.stop", why="brokers are away", exit_code=70)
    at_work(journal, "enricher").say("worker.stop", why="asked to stop", exit_code=0)
    shown = screen(live_of(journal), 100, 30)
    assert "! archiver-0 ended at 08:01:00, and is not back: brokers are away" in shown
    assert "! enricher-0 was stopped at 08:01:20, and nobody has its place" in shown
    at_work(journal, "archiver")
    at_work(journal, "enricher")
    assert "Nothing is wrong." in screen(live_of(journal), 100, 30)


def test_a_worker_that_starts_again_and_again_is_named():
    journal = Journal()
    for _ in range(5):
        at_work(journal)
    assert "! extractor-0 was started 5 times within 10 min" in screen(live_of(journal), 100, 30)


def test_what_keeps_a_worker_from_work_stands_until_it_commits():
    journal = Journal()
    worker = at_work(journal)
    worker.say("bus.full", "error", why="the disk is full")
    assert "! extractor-0: bus.full" in screen(live_of(journal), 100, 30)
    worker.say("step.commit", positions={"pages/0": 20}, records=20)
    assert "Nothing is wrong." in screen(live_of(journal), 100, 30)


def test_feeds_that_fail_and_sites_that_turn_us_away_are_named_until_they_answer():
    journal = Journal()
    producer, fetcher = at_work(journal, "producer"), at_work(journal, "fetcher")
    producer.say("feed.poll", feed="http://a.example/feed", reason="unreachable", status=503)
    for _ in range(3):
        fetcher.say("host.backoff", site="b.example", status=429, why="b.example answers 429")
    shown = screen(live_of(journal), 100, 40)
    assert "! 1 feed failing: http://a.example/feed (unreachable 503)" in shown
    assert "! b.example answers 429, the last at 08:00:40: its pages wait" in shown
    assert "fetcher-0 (3 times) host.backoff b.example answers 429" in shown
    producer.say("feed.poll", feed="http://a.example/feed", status=200, fresh=1)
    fetcher.record("published", "entries", 0, offset=21, site="b.example")
    assert "Nothing is wrong." in screen(live_of(journal), 100, 40)


def test_how_old_the_input_is_and_how_long_a_stage_is_idle_stand_in_its_row():
    journal = Journal()
    worker = at_work(journal)
    worker.record("published", "pages", 0, offset=30, age_ms=90_000)
    at_work(journal, "enricher")
    row = next(
        r for r in screen(live_of(journal), 120, 30).split("\n") if r.startswith("extractor")
    )
    assert "1 min 29 s" in row  # by a sketch that is exact to 1 %
    assert "20.0 s" in row


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
