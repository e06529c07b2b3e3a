"""Counts from logs are what truly happened, wherever the writers were killed."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsmill.ops.flow import name_of
from newsmill.ops.summary import Summary, summarise
from unit.ops.journal import DrainWorld, FrontierWorld, Journal

seeds = st.integers(min_value=0, max_value=1 << 32)


def the_stage(summary: Summary):
    (stage,) = summary.stages
    return stage


@settings(max_examples=150, deadline=None)
@given(seeds, st.booleans())
def test_a_drain_counts_what_was_committed_and_nothing_else(seed: int, holes: bool) -> None:
    world = DrainWorld(seed, holes=holes)
    for _ in range(60):
        world.turn()
    world.settle()

    summary = summarise(world.journal.lines)

    stage = the_stage(summary)
    assert +stage.outcomes == +world.truth
    assert summary.unexplained(stage) == 0
    assert summary.is_balanced
    assert stage.taken_in == stage.finished + stage.waiting


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_the_frontier_counts_what_was_committed_and_knows_what_waits(seed: int) -> None:
    world = FrontierWorld(seed)
    for _ in range(60):
        world.turn()
    world.settle()

    summary = summarise(world.journal.lines)

    stage = the_stage(summary)
    assert +stage.outcomes == +world.truth
    assert stage.waiting == len(world.waiting)
    assert stage.retries == world.retries
    assert stage.taken_in == world.position
    assert summary.is_balanced


@settings(max_examples=80, deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_a_line_that_is_missing_is_found_out(seed: int, chance) -> None:
    world = DrainWorld(seed)
    for _ in range(40):
        world.turn()
    world.settle()
    covered = _covered_offsets(world.journal.lines)
    if not covered:
        return
    place, offset = chance.choice(sorted(covered))
    lines = [line for line in world.journal.lines if not _is_record_of(line, place, offset)]

    summary = summarise(lines)

    assert summary.unexplained(the_stage(summary)) == 1
    assert not summary.is_balanced


def _covered_offsets(lines: list[bytes]) -> set[tuple[str, int]]:
    ends: dict[str, int] = {}
    for raw in lines:
        if b'"positions"' in raw:
            for place, position in orjson.loads(raw)["positions"].items():
                ends[place] = max(ends.get(place, 0), position)
    return {(place, offset) for place, end in ends.items() for offset in range(end)}


def _is_record_of(raw: bytes, place: str, offset: int) -> bool:
    if b'"event":"record"' not in raw:
        return False
    line = orjson.loads(raw)
    return (f"{line['topic']}/{line['partition']}", line["offset"]) == (place, offset)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_lines_in_the_files_and_in_a_stream_beside_them_count_once(seed: int) -> None:
    world = DrainWorld(seed)
    for _ in range(40):
        world.turn()
    world.settle()
    twice = [line for line in world.journal.lines for _ in range(2)]

    summary = summarise(twice)

    assert +the_stage(summary).outcomes == +world.truth
    assert summary.is_balanced


def test_a_line_that_nothing_covers_is_waiting_and_not_an_outcome() -> None:
    journal = Journal()
    worker = journal.process("extractor")
    worker.say("partition.assigned", positions={"pages/0": 5})
    worker.record("published", "pages", 0, offset=5)
    worker.record("dead", "pages", 0, offset=6, reason="crash")
    worker.say("step.commit", positions={"pages/0": 6}, records=1)

    stage = the_stage(summarise(journal.lines))

    assert stage.outcomes == {"published": 1}
    assert (stage.taken_in, stage.waiting) == (2, 1)


def test_the_producers_lines_count_by_the_step_of_their_own_run() -> None:
    journal = Journal()
    first = journal.process("producer")
    first.say(
        "partition.assigned", positions={"feeds.state/1": 0}, steps={"feeds.state/1": [0, ""]}
    )
    for step, page in ((1, "a"), (2, "b")):
        first.record("published", "feeds.state", 1, step=step, page_id=page * 32, feed="f")
        first.say(
            "step.commit", positions={"feeds.state/1": 0}, steps={"feeds.state/1": step}, records=1
        )
    first.record("published", "feeds.state", 1, step=3, page_id="c" * 32, feed="f")  # then killed
    second = journal.process("producer")
    second.say(
        "partition.assigned",
        positions={"feeds.state/1": 0},
        steps={"feeds.state/1": [2, first.run]},
    )
    second.record("published", "feeds.state", 1, step=3, page_id="c" * 32, feed="f")
    second.record("filtered", "feeds.state", 1, step=3, page_id="d" * 32, feed="f")
    second.say("step.commit", positions={"feeds.state/1": 0}, steps={"feeds.state/1": 3}, records=2)

    summary = summarise(journal.lines)

    stage = the_stage(summary)
    assert stage.outcomes == {"published": 3, "filtered": 1}
    assert stage.uncommitted == 1
    assert (stage.taken_in, stage.waiting, summary.is_balanced) == (4, 0, True)


def test_letters_that_are_sent_again_count_by_step_whatever_their_positions() -> None:
    journal = Journal()
    worker = journal.process("retrier")
    worker.say("partition.assigned", positions={"dead/1": 0}, steps={"dead/1": [0, ""]})
    worker.record("published", "dead", 1, offset=4, step=1)
    worker.say("step.commit", positions={"dead/1": 9}, steps={"dead/1": 1}, records=1)

    summary = summarise(journal.lines)

    assert (the_stage(summary).taken_in, the_stage(summary).outcomes["published"]) == (1, 1)
    assert summary.is_balanced


def test_lines_that_a_full_bus_repeats_count_once() -> None:
    journal = Journal()
    worker = journal.process("producer")
    place = "feeds.state/0"
    worker.say("partition.assigned", positions={place: 0}, steps={place: [0, ""]})
    for _ in range(3):
        for line in range(2):  # two lines of two files may have one number
            worker.record("refused", "feeds.state", 0, offset=7, step=1, detail=f"file {line}")
        worker.say("bus.full", why="no room")
    worker.record("refused", "feeds.state", 0, offset=7, step=1, detail="file 1")
    worker.record("refused", "feeds.state", 0, offset=7, step=1, detail="file 2")
    worker.say("step.commit", positions={place: 0}, steps={place: 1}, records=2)

    summary = summarise(journal.lines)

    assert the_stage(summary).outcomes == {"refused": 2}
    assert summary.is_balanced


def test_a_step_of_the_producer_whose_lines_are_missing_is_found_out() -> None:
    journal = Journal()
    worker = journal.process("producer")
    worker.say(
        "partition.assigned", positions={"feeds.state/1": 0}, steps={"feeds.state/1": [0, ""]}
    )
    worker.say("step.commit", positions={"feeds.state/1": 0}, steps={"feeds.state/1": 1}, records=3)

    summary = summarise(journal.lines)

    assert summary.unexplained(the_stage(summary)) == 3


def test_a_log_made_anew_starts_a_new_account() -> None:
    journal = Journal()
    for _ in range(2):
        worker = journal.process("enricher")
        worker.say("partition.assigned", positions={"articles/0": 0})
        for offset in range(4):
            worker.record("published", "articles", 0, offset=offset)
        worker.say("step.commit", positions={"articles/0": 4}, records=4)
        worker.say("worker.stop")

    summary = summarise(journal.lines)

    assert the_stage(summary).outcomes == {"published": 8}
    assert summary.is_balanced


@pytest.mark.parametrize("make", [DrainWorld, FrontierWorld])
def test_logs_that_begin_or_end_in_the_middle_are_no_error(make) -> None:
    world = make(7)
    for _ in range(80):
        world.turn()
    world.settle()

    for cut in range(0, len(world.journal.lines), 7):
        summary = summarise(world.journal.lines[cut:])
        assert summary.is_balanced, cut
        assert summarise(world.journal.lines[:cut]).is_balanced, cut


def test_entries_taken_in_before_the_logs_begin_count_when_they_are_finished() -> None:
    journal = Journal()
    worker = journal.process("fetcher")
    worker.say("partition.assigned", positions={"entries/0": 9}, steps={"entries/0": [4, "old"]})
    worker.record("published", "entries", 0, offset=3, step=5)
    worker.say("step.commit", positions={"entries/0": 9}, steps={"entries/0": 5}, records=1)

    stage = the_stage(summarise(journal.lines))

    assert (stage.taken_in, stage.outcomes["published"], stage.waiting) == (1, 1, 0)


def test_a_frontier_that_says_it_is_empty_while_entries_wait_is_found_out() -> None:
    journal = Journal()
    worker = journal.process("fetcher")
    worker.say("partition.assigned", positions={"entries/0": 0}, steps={"entries/0": [0, ""]})
    worker.say("step.commit", positions={"entries/0": 2}, records=0)
    worker.say("worker.heartbeat", idle=True, waiting=0)

    summary = summarise(journal.lines)

    assert summary.unexplained(the_stage(summary)) == 2


def test_offsets_that_no_record_takes_are_no_entries_where_the_step_says_how_many() -> None:
    journal = Journal()
    worker = journal.process("fetcher")
    worker.say("partition.assigned", positions={"entries/0": 0}, steps={"entries/0": [0, ""]})
    worker.say("step.commit", positions={"entries/0": 7}, records=0, taken=5)

    stage = the_stage(summarise(journal.lines))

    assert (stage.taken_in, stage.waiting) == (5, 5)


def test_two_stores_of_one_stage_have_accounts_of_their_own() -> None:
    journal = Journal()
    for store, outcome in (("sqlite", "published"), ("parquet", "dead")):
        worker = journal.process("archiver", store=store)
        worker.say("partition.assigned", positions={"enriched/0": 0})
        worker.record(outcome, "enriched", 0, offset=0)
        worker.say("step.commit", positions={"enriched/0": 1}, records=1)

    stages = {stage.store: dict(stage.outcomes) for stage in summarise(journal.lines).stages}

    assert stages == {"sqlite": {"published": 1}, "parquet": {"dead": 1}}


def test_the_arrows_say_what_is_on_its_way() -> None:
    journal = Journal()
    extractor = journal.process("extractor")
    extractor.say("partition.assigned", positions={"pages/0": 0})
    for offset in range(5):
        extractor.record("published", "pages", 0, offset=offset)
    extractor.say("step.commit", positions={"pages/0": 5}, records=5)
    enricher = journal.process("enricher")
    enricher.say("partition.assigned", positions={"articles/0": 0})
    enricher.record("duplicate", "articles", 0, offset=0)
    enricher.say("step.commit", positions={"articles/0": 1}, records=1)

    (arrow,) = summarise(journal.lines).arrows

    assert (arrow.source, name_of(arrow.target), arrow.published, arrow.taken_in) == (
        "extractor",
        "enricher",
        5,
        1,
    )
    assert arrow.on_the_way == 4


def test_a_replay_of_pages_goes_past_the_fetcher() -> None:
    journal = Journal()
    for service, topic in (("producer", "source"), ("fetcher", "entries"), ("extractor", "pages")):
        worker = journal.process(service)
        worker.say("partition.assigned", positions={f"{topic}/0": 0})
        if service != "fetcher":
            worker.record("published", topic, 0, offset=0)
            worker.say("step.commit", positions={f"{topic}/0": 1}, records=1)

    arrows = [(arrow.source, name_of(arrow.target)) for arrow in summarise(journal.lines).arrows]

    assert arrows == [("producer", "extractor")]


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_whole_files_does_not_matter_to_what_is_counted(order: int) -> None:
    world = DrainWorld(11)
    for _ in range(80):
        world.turn()
    world.settle()
    by_run: dict[str, list[bytes]] = {}
    for line in world.journal.lines:
        if line.endswith(b"}"):
            by_run.setdefault(orjson.loads(line)["run"], []).append(line)
    lines = [line for run in list(by_run)[::order] for line in by_run[run]]

    summary = summarise(lines)

    assert summary.is_balanced
    assert the_stage(summary).outcomes.total() == world.truth.total()
