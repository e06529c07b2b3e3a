"""The two small instruments of the readers: sets of neighbours, and durations on a log scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.ops.figures import Histogram
from newsmill.ops.ranges import Ranges

numbers = st.lists(st.integers(0, 40))


@given(numbers, st.integers(0, 40), st.integers(0, 40))
def test_ranges_are_a_set(added: list[int], start: int, end: int) -> None:
    ranges, truth = Ranges(), set()
    for number in added:
        assert ranges.add(number) == (number not in truth)
        truth.add(number)

    assert {number for number in range(42) if number in ranges} == truth
    assert ranges.within(start, end) == len([n for n in truth if start <= n < end])
    assert ranges.first == min(truth, default=None)
    assert ranges.gaps == (max(truth) - min(truth) + 1 - len(truth) if truth else 0)


@given(st.lists(st.floats(0.01, 1e7), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_off_by_a_few_percent_at_most(durations: list[float], share: float) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)

    exact = sorted(durations)[max(0, -(-int(share * 1000) * len(durations) // 1000) - 1)]
    assert histogram.quantile(share) == pytest.approx(exact, rel=0.05)
    assert histogram.longest == max(durations)


def test_no_duration_gives_no_quantile_and_what_is_none_is_left_out() -> None:
    histogram = Histogram()
    for value in (float("nan"), -1.0, float("inf"), 1e300):
        histogram.add(value)
    assert histogram.quantile(0.5) is None
    histogram.add(0.0)
    assert histogram.quantile(0.5) == 0.0
