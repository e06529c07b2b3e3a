"""Before and after: a difference is told when it is no chance and large enough to matter."""

from __future__ import annotations

import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.ops.compare import Row, Side, Sides, compare
from newsmill.ops.compare_view import comparison_json, render_comparison
from newsmill.ops.figures import Histogram
from newsmill.ops.stats import discoveries, quantile_range, ranks, shares
from newsmill.ops.summary import summarise
from unit.ops.journal import Journal


def histogram(values) -> Histogram:
    found = Histogram()
    found.extend(values)
    return found


def some(seed: int, count: int, factor: float = 1.0) -> list[float]:
    chance = random.Random(seed)
    return [factor * chance.lognormvariate(3, 0.7) for _ in range(count)]


# -- the tests of statistics


def test_ranks_agree_with_a_worked_example() -> None:
    # Mann and Whitney by hand: 3 of 25 pairs are against it; z = (22 - 12.5 - 0.5) / sqrt(275 / 12)
    before, after = [10.0, 20.0, 30.0, 40.0, 50.0], [25.0, 60.0, 70.0, 80.0, 90.0]
    chance, p = ranks(histogram(before), histogram(after))
    assert chance == pytest.approx(22 / 25)
    assert p == pytest.approx(0.0601, abs=0.0005)


@given(st.lists(st.floats(0.01, 1e6), max_size=30), st.lists(st.floats(0.01, 1e6), max_size=30))
def test_ranks_turn_round_with_their_sides(ours, theirs) -> None:
    chance, p = ranks(histogram(ours), histogram(theirs))
    turned, same_p = ranks(histogram(theirs), histogram(ours))
    assert chance == pytest.approx(1 - turned)
    assert p == pytest.approx(same_p)
    assert 0 <= p <= 1


def test_shares_agree_with_a_worked_example() -> None:
    # chi square 100 * (20 * 40 - 30 * 10)**2 / (50 * 50 * 30 * 70), times 99 / 100
    assert shares(20, 50, 10, 50) == pytest.approx(0.0299, abs=0.0005)
    assert shares(5, 50, 5, 50) == 1.0
    assert shares(0, 50, 0, 50) == shares(3, 3, 0, 0) == 1.0


def test_of_many_comparisons_few_are_discoveries() -> None:
    # Benjamini and Hochberg at 5 %: 0.01 <= 0.05 / 4, 0.02 <= 0.05 * 2 / 4, 0.05 > 0.05 * 3 / 4
    assert discoveries([0.02, 0.9, 0.01, 0.05], 0.05) == [True, False, True, False]
    assert discoveries([], 0.05) == []


def test_chance_alone_is_seldom_called_a_difference() -> None:
    p_values = [
        ranks(histogram(some(seed, 200)), histogram(some(1000 + seed, 200)))[1]
        for seed in range(200)
    ]
    assert 0.02 <= sum(p < 0.05 for p in p_values) / 200 <= 0.09


def test_the_range_of_a_quantile_holds_the_true_one() -> None:
    hits = 0
    for seed in range(100):
        found = quantile_range(histogram(some(seed, 400)), 0.95)
        assert found is not None
        hits += found[0] <= 63.5 <= found[1]  # exp(3 + 0.7 * 1.6449) is 63.53
    assert hits >= 88
    assert quantile_range(histogram([1.0, 2.0]), 0.95) is None


# -- sides


def journal_of(seed: int, count: int, *, slower: float = 1.0, deaths: float = 0.02) -> Journal:
    chance = random.Random(seed)
    journal = Journal()
    worker = journal.process("extractor", ver="1")
    worker.say("partition.assigned", positions={"pages/0": 0})
    for offset, took in enumerate(some(seed, count, slower)):
        dead = chance.random() < deaths
        worker.record(
            "dead" if dead else "published", "pages", 0, offset=offset, took_ms=took,
            reason="crash" if dead else None, tier=None if dead else "sheet",
            missing=["authors"] if chance.random() < 0.1 and not dead else None,
        )  # fmt: skip
        worker.say("step.commit", positions={"pages/0": offset + 1}, records=1)
    return journal


def side_of(journal: Journal) -> Side:
    side = Side()
    summarise(journal.lines, [side.heard])
    return side


def test_a_worse_deploy_is_told_by_what_got_slower_and_what_dies_more() -> None:
    before, after = journal_of(1, 800), journal_of(2, 800, slower=1.5, deaths=0.15)

    rows = compare(side_of(before), side_of(after))
    worse = {(row.stage, row.what) for row in rows if row.is_worse}
    text = render_comparison(("old", "new"), rows)

    assert worse == {("extractor", "work"), ("extractor", "dead"), ("extractor", "dead crash")}
    assert "WORSE   extractor: work: median" in text
    found = orjson.loads(comparison_json(("old", "new"), rows))
    assert found["worse"]
    assert not any(row.is_worse for row in compare(side_of(after), side_of(before)))


def test_two_runs_of_one_version_do_not_differ() -> None:
    rows = compare(side_of(journal_of(3, 800)), side_of(journal_of(4, 800)))
    assert not any(row.is_worse or row.is_better for row in rows)
    assert "Nothing differs" in render_comparison(("a", "b"), rows)


def test_what_is_sure_and_small_is_no_matter() -> None:
    row = Row("duration", "extractor", "work", 100.0, 103.0, 200.0, 206.0, p=1e-9, is_sure=True)
    assert not row.is_worse
    assert not row.is_better


def test_one_set_of_logs_has_a_side_for_each_version() -> None:
    journal = journal_of(5, 50)
    worker = journal.process("extractor", ver="2")
    worker.say("partition.assigned", positions={"pages/0": 50})
    worker.record("published", "pages", 0, offset=50, took_ms=5.0)
    worker.say("step.commit", positions={"pages/0": 51}, records=1)
    sides = Sides(lambda line: line.ver)

    summarise(journal.lines, [sides.heard])

    assert {ver: side.records["extractor"] for ver, side in sides.by_name.items()} == {
        "1": 50,
        "2": 1,
    }
