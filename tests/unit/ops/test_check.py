"""A check fails for what is wrong and for silence, says why, and passes for what is well."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from newsmill.errors import Misconfigured
from newsmill.ops.check import Report, check
from newsmill.ops.check_view import check_json, render_check
from newsmill.ops.objectives import DEFAULT, Limits, Objective, Objectives, read_objectives
from newsmill.ops.read import Logs
from unit.ops.journal import START, Journal, Process

HOUR = 3_600_000


def at(ms: int) -> str:
    moment = START + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def extractor(journal: Journal, slot: int = 0) -> Process:
    worker = journal.process("extractor", slot=slot)
    worker.say("partition.assigned", positions={f"pages/{slot}": 0})
    return worker


def work(
    journal: Journal, worker: Process, count: int, dead: int = 0, every_ms: int = 1000
) -> None:
    partition = worker._common["slot"]
    first = getattr(worker, "done", 0)
    for offset in range(first, first + count):
        journal.now_ms += every_ms
        is_dead = offset - first < dead
        worker.record(
            "dead" if is_dead else "published", "pages", partition, offset=offset, took_ms=10.0,
            reason="crash" if is_dead else None, page_id=f"{offset:032x}",
        )  # fmt: skip
        worker.say("step.commit", positions={f"pages/{partition}": offset + 1}, records=1)
    worker.done = first + count


def judged(
    tmp_path: Path, journal: Journal, asked: Objectives = DEFAULT, now: str | None = None
) -> Report:
    path = tmp_path / "all.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in journal.lines))
    return check(Logs([path]), asked, now)


def limits_of(report: Report) -> list[str]:
    return [failure.limit for failure in report.failures]


def test_what_is_well_passes_and_says_how_the_objectives_stand(tmp_path) -> None:
    journal = Journal()
    work(journal, extractor(journal), 60)

    report = judged(tmp_path, journal)

    assert report.failures == []
    text = render_check(report)
    assert text.startswith("All is as asked, as of 2026-03-01 08:01:00")
    assert "articles are extracted: 100.00 % of 60 events" in text
    assert orjson.loads(check_json(report))["ok"]


def test_a_budget_that_burns_fails_over_both_windows_alone(tmp_path) -> None:
    asked = Objectives(objectives=(Objective("alive", "alive", 0.99, stage="extractor"),))
    journal = Journal()
    worker = extractor(journal)
    work(journal, worker, 100, dead=40)
    burning = judged(tmp_path, journal, asked)
    work(journal, worker, 400)  # nearly seven minutes without a death
    over = judged(tmp_path, journal, asked)

    assert "alive" in limits_of(burning)
    assert "40 of 100 were bad" in render_check(burning)
    assert "14.4" not in [rate.burn.times for rate in over.rates if rate.fails]
    assert all(rate.short_times == 0 for rate in over.rates if rate.burn.times == 14.4)


def test_few_events_are_not_judged(tmp_path) -> None:
    journal = Journal()
    work(journal, extractor(journal), 10, dead=9)
    assert judged(tmp_path, journal).failures == []


def test_a_pipeline_that_says_nothing_any_more_fails(tmp_path) -> None:
    journal = Journal()
    work(journal, extractor(journal), 30)

    report = judged(tmp_path, journal, now=at(journal.now_ms + HOUR))

    assert limits_of(report) == ["silent_worker_s"]
    assert "extractor: nobody speaks since 2026-03-01 08:00:30" in render_check(report)


def test_one_worker_that_fell_silent_fails_while_the_others_speak(tmp_path) -> None:
    journal = Journal()
    first, second = extractor(journal), extractor(journal, slot=1)
    work(journal, first, 5)
    work(journal, second, 300)

    report = judged(tmp_path, journal)

    assert limits_of(report) == ["silent_worker_s"]
    assert "extractor-0 on a: silent since" in render_check(report)


def test_one_that_was_stopped_or_taken_away_is_not_missed(tmp_path) -> None:
    journal = Journal()
    for slot, stops in ((0, True), (1, False)):
        worker = extractor(journal, slot)
        if stops:
            worker.say("worker.stop")
    journal.now_ms += 25 * HOUR
    work(journal, extractor(journal, slot=2), 300)

    assert judged(tmp_path, journal).failures == []


def test_a_run_that_came_to_its_own_end_is_not_silent(tmp_path) -> None:
    journal = Journal()
    work(journal, extractor(journal), 30)
    journal.process("run").say("run.done", why="through")

    assert judged(tmp_path, journal, now=at(HOUR)).failures == []


def test_a_feed_that_is_not_polled_any_more_fails(tmp_path) -> None:
    journal = Journal()
    producer = journal.process("producer")
    producer.say("feed.poll", feed="https://a.example/feed", outcome="new", fresh=1, next_s=600)
    for _ in range(600):
        journal.now_ms += 60_000
        producer.say("worker.heartbeat")

    report = judged(tmp_path, journal)

    assert limits_of(report) == ["silent_feeds"]
    assert "https://a.example/feed: silent since 2026-03-01 08:00:00" in render_check(report)


def test_a_crash_loop_fails(tmp_path) -> None:
    journal = Journal()
    for _ in range(5):
        work(journal, extractor(journal), 2)
    assert "extractor-0 crashed 4 times within an hour" in render_check(judged(tmp_path, journal))


def test_a_worker_that_ends_with_an_error_again_and_again_fails_and_says_why(tmp_path) -> None:
    journal = Journal()
    for _ in range(3):
        worker = extractor(journal)
        worker.say("worker.stop", why="brokers are away", exit_code=70)
    report = judged(tmp_path, journal)
    assert limits_of(report) == ["crashes"]
    says = "extractor-0 crashed or ended with an error 3 times within an hour, last: brokers are"
    assert says in render_check(report)


def test_a_feed_at_rest_neither_fails_nor_is_silent(tmp_path) -> None:
    journal = Journal()
    producer = journal.process("producer")
    producer.say("feed.poll", feed="https://a.example/feed", reason="unreachable", next_s=600)
    assert limits_of(judged(tmp_path, journal)) == ["failing_feeds"]
    producer.say("feed.change", feed="https://a.example/feed", what="rests")
    for _ in range(600):
        journal.now_ms += 60_000
        producer.say("worker.heartbeat")
    assert judged(tmp_path, journal).failures == []


def test_an_alarm_is_held_against_us_for_an_hour(tmp_path) -> None:
    journal = Journal()
    worker = extractor(journal)
    worker.say("bus.full", why="the disk is full")
    work(journal, worker, 30)
    assert limits_of(judged(tmp_path, journal)) == ["alarms"]
    work(journal, worker, 100, every_ms=60_000)
    assert judged(tmp_path, journal).failures == []


def test_a_clock_that_jumped_is_held_against_us_for_an_hour(tmp_path) -> None:
    journal = Journal()
    worker = extractor(journal)
    for number in range(4):
        journal.now_ms += 30_000 + 50_000 * (number == 2)
        worker.say("worker.heartbeat", uptime_s=30.0 * (number + 1), rss_mb=50.0)
    assert limits_of(judged(tmp_path, journal)) == ["clock_jumps"]
    assert "a: its clock jumped by +50 s" in render_check(judged(tmp_path, journal))
    work(journal, worker, 100, every_ms=60_000)
    assert judged(tmp_path, journal).failures == []


def test_a_site_that_changed_fails_as_long_as_it_is_news(tmp_path) -> None:
    journal = Journal()
    worker = extractor(journal)
    for offset in range(40):
        missing = ["authors"] if offset >= 20 else None
        worker.record(
            "published", "pages", 0, offset=offset, site="a.example", page_id=f"{offset:032x}",
            tier="sheet", chars=2000, missing=missing,
        )  # fmt: skip
        worker.say("step.commit", positions={"pages/0": offset + 1}, records=1)
    worker.say("worker.stop")
    journal.process("run").say("run.done", why="through")

    report = judged(tmp_path, journal)

    assert limits_of(report) == ["changed_sites"]
    assert "a.example: missing authors 0 % → 100 % since" in render_check(report)
    assert judged(tmp_path, journal, now=at(25 * HOUR)).failures == []


def test_books_that_do_not_balance_fail(tmp_path) -> None:
    journal = Journal()
    work(journal, extractor(journal), 30)
    journal.lines = [line for line in journal.lines if b'"offset":7,' not in line]
    assert limits_of(judged(tmp_path, journal)) == ["unexplained", "missing_lines"]


def test_no_lines_at_all_fail(tmp_path) -> None:
    assert limits_of(judged(tmp_path, Journal())) == ["no_lines"]


def test_a_limit_can_be_left_out(tmp_path) -> None:
    journal = Journal()
    work(journal, extractor(journal), 30)
    asked = Objectives(limits=Limits(silent_worker_s=None))
    assert judged(tmp_path, journal, asked, now=at(HOUR)).failures == []


# -- objectives


def test_objectives_are_read_from_toml(tmp_path) -> None:
    path = tmp_path / "objectives.toml"
    path.write_text(
        "[[objectives]]\n"
        'name = "fresh"\nmeasure = "end_to_end_s"\nmost = 300.0\ntarget = 0.99\n'
        "[limits]\nlag_s = 60.0\n"
    )
    found = read_objectives(path)
    assert found.objectives == (Objective("fresh", "end_to_end_s", 0.99, most=300.0),)
    assert (found.limits.lag_s, found.limits.crashes) == (60.0, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[limit]\nlag_s = 1", "limit"),
        ("[limits]\nlag = 1", "lag"),
        ('[[objectives]]\nname = "x"\nmeasure = "mood"\ntarget = 0.5', "mood"),
        (
            '[[objectives]]\nname = "x"\nmeasure = "alive"\ntarget = 2.0\nstage = "fetcher"',
            "target",
        ),
        ('[[objectives]]\nname = "x"\nmeasure = "alive"\ntarget = 0.5', "stage"),
        ('[[objectives]]\nname = "x"\nmeasure = "took_s"\nstage = "fetcher"\ntarget = 0.5', "most"),
        ("limits = [", "Invalid value"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(text, says, tmp_path) -> None:
    path = tmp_path / "objectives.toml"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=says):
        read_objectives(path)


def test_a_file_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        read_objectives(tmp_path / "none.toml")


def test_what_is_asked_by_default_makes_sense() -> None:
    for objective in DEFAULT.objectives:
        objective.check()
