"""Sketches are as exact as they say, whatever is put into them."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.ops.figures import Histogram
from newsmill.ops.ranges import Ranges

durations = st.lists(st.floats(0.002, 1e9), min_size=1, max_size=60)


@given(durations, st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_off_by_at_most_one_percent(values, share) -> None:
    histogram = Histogram()
    histogram.extend(values)

    exact = sorted(values)[max(0, ceil(share * len(values)) - 1)]

    assert histogram.quantile(share) == pytest.approx(exact, rel=0.0101)
    assert histogram.longest == max(values)


@given(durations, durations)
def test_two_histograms_together_are_one_of_all(ours, theirs) -> None:
    whole, one, other = Histogram(), Histogram(), Histogram()
    whole.extend([*ours, *theirs])
    for value in ours:
        one.add(value)
    other.extend(theirs)
    one.add_all(other)

    assert (one.buckets, one.count, one.longest) == (whole.buckets, whole.count, whole.longest)


def test_what_is_no_duration_is_left_out() -> None:
    histogram = Histogram()
    histogram.extend([float("nan"), -1.0, float("inf"), 5.0])
    assert (histogram.count, histogram.quantile(0.5)) == (1, pytest.approx(5.0, rel=0.01))
    assert Histogram().quantile(0.5) is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=25))
def test_ranges_hold_what_was_put_in_by_runs_or_one_by_one(runs) -> None:
    ranges, truth = Ranges(), set()
    for start, length in runs:
        wanted = set(range(start, start + length))
        if length and not ranges.add_run(start, start + length):
            for number in sorted(wanted):
                assert ranges.add(number) == (number not in truth)
                truth.add(number)
        truth |= wanted
    assert {number for number in range(80) if number in ranges} == truth
    assert ranges.within(10, 50) == len(truth & set(range(10, 50)))
    assert ranges.gaps == (max(truth) - min(truth) + 1 - len(truth) if truth else 0)
