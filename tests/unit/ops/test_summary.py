"""The summary tells what is wrong first, fits a terminal, and says the same to programs."""

from __future__ import annotations

import orjson

from newsmill.ops.as_json import summary_json
from newsmill.ops.render import render_summary
from newsmill.ops.summary import summarise
from unit.ops.journal import DrainWorld, Journal


def a_run() -> Journal:
    """A producer, a fetcher and an extractor; one feed fails, one page dies, one host is slow."""
    journal = Journal()
    producer = journal.process("producer")
    producer.say(
        "partition.assigned", positions={"feeds.state/0": 0}, steps={"feeds.state/0": [0, ""]}
    )
    producer.say("feed.poll", feed="https://a.example/feed", outcome="new", status=200, fresh=3)
    producer.say("feed.poll", feed="https://b.example/feed", reason="not_feed", status=200)
    producer.say("feed.rollup", feed="https://c.example/feed", done=5)
    for number in range(3):
        producer.record("published", "feeds.state", 0, step=1, page_id=f"{number:032x}")
    producer.say(
        "step.commit", steps={"feeds.state/0": 1}, positions={"feeds.state/0": 0}, records=3
    )
    producer.say("worker.stop")

    fetcher = journal.process("fetcher")
    fetcher.say("partition.assigned", positions={"entries/0": 0}, steps={"entries/0": [0, ""]})
    fetcher.say("step.commit", positions={"entries/0": 3}, records=0)
    fetcher.record("published", "entries", 0, offset=0, step=1, page_id=f"{0:032x}", took_ms=20.0)
    fetcher.record(
        "dead", "entries", 0, offset=1, step=1, page_id=f"{1:032x}", reason="http_status"
    )
    fetcher.record(
        "retried", "entries", 0, offset=2, step=1, page_id=f"{2:032x}", reason="unreachable"
    )
    fetcher.say(
        "step.commit", positions={"entries/0": 3}, steps={"entries/0": 1}, records=3, took_ms=7.0
    )
    fetcher.say("worker.heartbeat", idle=False, waiting=1, rss_mb=80.5)

    extractor = journal.process("extractor")
    extractor.say("partition.assigned", positions={"pages/0": 0})
    extractor.say("partition.held", topic="pages", partition=0, offset=0, why="page of version 2")
    return journal


def test_the_account_of_a_run() -> None:
    found = orjson.loads(summary_json(summarise(a_run().lines)))

    stages = {stage["stage"]: stage for stage in found["stages"]}
    assert found["balanced"]
    assert (stages["producer"]["in"], stages["producer"]["outcomes"]["published"]) == (3, 3)
    fetcher = stages["fetcher"]
    assert (fetcher["in"], fetcher["waiting"], fetcher["retries"]) == (3, 1, 1)
    assert fetcher["dead_examples"] == {"http_status": [f"{1:032x}"]}
    assert stages["extractor"]["held"]["pages/0"]["why"] == "page of version 2"
    assert [(a["from"], a["to"], a["on_the_way"]) for a in found["arrows"]] == [
        ("producer", "fetcher", 0), ("fetcher", "extractor", 1),
    ]  # fmt: skip
    assert found["feeds"]["failing"] == {"https://b.example/feed": "not_feed"}
    assert (found["feeds"]["known"], found["feeds"]["polls"], found["feeds"]["quiet_polls"]) == (
        3,
        2,
        5,
    )
    assert found["longest_step"]["took_ms"] == 7.0
    assert [run["service"] for run in found["processes"]["open"]] == ["fetcher", "extractor"]


def test_a_person_reads_what_to_look_at_before_the_account() -> None:
    text = render_summary(summarise(a_run().lines))

    look, account = text.index("LOOK AT"), text.index("STAGE")
    assert look < text.index("pages/0 is held") < account
    assert look < text.index("1 dead letter (33.3 %)") < account
    assert "fetcher 1 → extractor 0   1 on the way" in text
    assert "e.g. " + f"{1:032x}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_what_cannot_be_explained_comes_first() -> None:
    journal = Journal()
    worker = journal.process("enricher")
    worker.say("partition.assigned", positions={"articles/0": 0})
    worker.say("step.commit", positions={"articles/0": 2}, records=2)

    summary = summarise(journal.lines)

    assert not summary.is_balanced
    assert "WRONG\n  enricher: 2 of 2 records have no line" in render_summary(summary)


def test_all_well_is_said_in_one_line() -> None:
    world = DrainWorld(3)
    world.settle()
    text = render_summary(summarise(world.journal.lines[-2:]))
    assert "Nothing is wrong" in text


def test_no_lines_at_all_is_an_answer() -> None:
    summary = summarise([b"nonsense"])
    assert (
        render_summary(summary) == "No log lines of newsmill, 1 torn or foreign lines passed over."
    )
    assert orjson.loads(summary_json(summary))["balanced"]


def test_crashes_are_starts_that_follow_a_run_without_a_stop() -> None:
    journal = Journal()
    journal.process("fetcher").say("worker.heartbeat")
    journal.process("fetcher").say("worker.stop")
    journal.process("fetcher", slot=1)

    summary = summarise(journal.lines)

    assert [run.run for run in summary.crashed] == ["fetcher-1"]
    assert [run.run for run in summary.still_open] == ["fetcher-3"]


def test_lines_that_are_missing_are_counted() -> None:
    journal = Journal()
    worker = journal.process("fetcher")
    for _ in range(5):
        worker.say("worker.heartbeat")
    del journal.lines[2:4]
    assert summarise(journal.lines).missing_lines == 2


def test_two_lanes_are_two_accounts() -> None:
    journal = Journal()
    for lane in ("live", "check"):
        worker = journal.process("extractor", lane=lane)
        worker.say("partition.assigned", positions={"pages/0": 0})
        worker.record("published", "pages", 0, offset=0)
        worker.say("step.commit", positions={"pages/0": 1}, records=1)

    summary = summarise(journal.lines)

    assert [(stage.lane, stage.taken_in) for stage in summary.stages] == [("check", 1), ("live", 1)]
    assert "Lane check" in render_summary(summary)


def test_what_stands_in_a_line_cannot_paint_the_terminal() -> None:
    journal = Journal()
    worker = journal.process("producer")
    worker.say("feed.poll", feed="https://a.example/\x1b[2J\u202e\nfake", reason="not_feed")
    text = render_summary(summarise(journal.lines))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nfake" not in text


def test_memory_does_not_grow_with_the_lines() -> None:
    journal = Journal()
    worker = journal.process("extractor")
    worker.say("partition.assigned", positions={"pages/0": 0})

    def stream():
        yield from journal.lines
        for offset in range(20_000):
            journal.lines.clear()
            worker.record("published", "pages", 0, offset=offset)
            worker.say("step.commit", positions={"pages/0": offset + 1}, records=1)
            yield from journal.lines

    summary = summarise(stream())

    (stage,) = summary.stages
    assert stage.outcomes["published"] == 20_000
    assert sum(len(run._seqs._starts) for run in summary.runs.values()) <= 1
    assert summary.missing_lines == 0
