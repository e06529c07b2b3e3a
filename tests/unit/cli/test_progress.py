"""How far a replay is, told from what its workers write."""

from __future__ import annotations

from collections import Counter

import pytest

from newsmill.cli.progress import LOG_S, Progress


def at(source, byte):
    return {"event": "source.progress", "source": source, "bytes": byte, "total": 1000}


def counts(read=0, through=0, refused=0):
    made = Counter({("producer", "published"): read, ("extractor", "published"): through - refused})
    return made + Counter({("extractor", "refused"): refused, ("enricher", "published"): through})


def test_what_is_left_is_what_was_read_and_what_the_rest_may_hold():
    progress = Progress({"a": 1000, "b": 1000})
    assert progress.left(counts()) is None
    progress.saw(at("a", 0))
    progress.saw(at("a", 500))
    assert progress.share == 0.25
    assert progress.left(counts(read=100, through=20)) == 300 + 80
    progress.saw(at("a", 1000))
    progress.saw(at("b", 1000))
    assert progress.left(counts(read=400, through=390)) == 10


def test_a_replay_that_goes_on_counts_from_where_it_was():
    progress = Progress({"a": 1000}, waiting=50)
    progress.saw(at("a", 800))  # where the run before had come
    progress.saw(at("a", 900))
    assert progress.left(counts(read=10, through=20)) == 10 + 40


def test_the_rate_is_that_of_late_and_the_start_of_the_workers_is_no_part_of_it():
    progress = Progress({"a": 1000})
    for second in range(20):
        progress.turn(100.0 + second, counts())
    assert progress.rate is None
    for second in range(1, 11):
        progress.turn(119.0 + second, counts(read=500, through=30 * second))
    assert progress.rate == pytest.approx(30.0)
    progress.saw(at("a", 1000))
    assert progress.eta_s(counts(read=600, through=300)) == pytest.approx(10.0)


def test_a_line_of_the_log_is_due_now_and_then():
    progress = Progress({"a": 1000})
    progress.turn(50.0, counts())
    assert progress.facts(50.0, counts()) is None
    progress.saw(at("a", 400))
    facts = progress.facts(50.0 + LOG_S, counts(read=40, through=30, refused=5))
    assert facts is not None
    assert (facts["source"], facts["bytes"], facts["total"]) == ("a", 400, 1000)
    assert facts["counts"]["extractor refused"] == 5
    assert progress.facts(51.0 + LOG_S, counts()) is None


def test_the_line_of_a_terminal_names_place_rate_time_and_what_was_turned_away():
    progress = Progress({"/past/a.warc.gz": 1000})
    progress.turn(0.1, counts())
    progress.saw(at("/past/a.warc.gz", 0))
    progress.saw(at("/past/a.warc.gz", 500))
    progress.turn(10.1, counts(read=400, through=100, refused=3))
    text = progress.text(counts(read=400, through=100, refused=3))
    assert text.startswith("50% read · 10/s · 70 s left · 100 made · 3 refused · 0 dead")
    assert text.endswith("a.warc.gz at byte 500")


def test_no_source_at_all_is_read():
    assert Progress({}).share == 1.0
    assert Progress({"a": 0}).share == 1.0
