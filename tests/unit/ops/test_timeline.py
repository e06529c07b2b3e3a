"""Slices of time: how they widen, what they count, what a clock that jumps does to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.ops.lines import Line
from newsmill.ops.timeline import MOST, Timeline


def line(second: int, event: str = "record", **fields: Any) -> Line:
    day, rest = divmod(second, 86_400)
    at = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return Line(
        ts=f"2026-03-{1 + day:02}T{at}.000Z", event=event, service="extractor", run="r", seq=1,
        **fields,
    )  # fmt: skip


@given(st.lists(st.integers(0, 20 * 86_400), min_size=1, max_size=60))
def test_nothing_is_lost_as_slices_widen(seconds):
    timeline = Timeline(most=8)
    for second in sorted(seconds):
        timeline.take(line(second, outcome="published", took_ms=1.0))
    assert len(timeline.slices) <= 8
    total = sum(rate * timeline.width_s for rate in timeline.rates("extractor", "published"))
    assert total == pytest.approx(len(seconds))
    assert sum(h.took["extractor"].count for h in timeline.slices.values()) == len(seconds)


def test_memory_is_bounded_over_a_month():
    timeline = Timeline()
    for second in range(0, 28 * 86_400, 301):
        timeline.take(line(second, outcome="dead"))
    assert len(timeline.slices) <= MOST
    assert len(timeline.starts) <= 2 * MOST


def test_a_silence_is_drawn_as_no_records():
    timeline = Timeline()
    for second in (0, 1, 9):
        timeline.take(line(second, outcome="published"))
    assert timeline.rates("extractor", "published") == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_clock_that_went_far_back_is_not_followed():
    timeline = Timeline()
    timeline.take(line(86_400, outcome="published"))
    timeline.take(line(5, outcome="published"))
    assert len(timeline.slices) == 1


def test_heartbeats_tell_what_waits_and_how_much_memory():
    timeline = Timeline()
    timeline.take(line(0, "worker.heartbeat", waiting=7, rss_mb=50.0, cpu_s=1.0))
    timeline.take(line(0, "worker.heartbeat", waiting=5, rss_mb=40.0))
    timeline.take(line(1, "worker.start", ver="2"))
    assert timeline.workers == ["extractor-0"]
    assert timeline.told("waiting", "extractor-0") == [5, None]
    assert timeline.told("rss_mb", "extractor-0") == [50.0, None]
    assert timeline.slices[max(timeline.slices)].starts == {"2": 1}


def test_a_line_without_a_time_is_left_out():
    timeline = Timeline()
    timeline.take(Line(ts="later", event="record", service="a", run="r", seq=1))
    assert not timeline.slices
    assert not timeline.starts


def test_a_timeline_that_slides_stays_fine_and_lets_the_oldest_go():
    timeline = Timeline(width_s=2, most=5, slides=True)
    for second in [*range(0, 40, 2), 3]:  # the last one is late
        timeline.take(line(second, outcome="published"))
    assert timeline.width_s == 2
    assert timeline.rates("extractor", "published") == [0.5] * 5
    assert len(timeline.slices) == 5
