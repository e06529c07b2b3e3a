"""A feed is polled as often as it brings news, within what it and the operator allow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsmill.producer.core import (
    Answer,
    FeedState,
    Limits,
    ParsedFeed,
    after_answer,
    after_failure,
    after_unchanged,
)
from newsmill.producer.core.schedule import adapted, backoff, first_guess, spread, wait

NOW = 1_750_000_000.0
STATE = FeedState(url="https://paper.example/feed")
EMPTY = ParsedFeed(kind="rss")


def test_a_first_guess_is_half_the_gap_between_entries() -> None:
    assert first_guess([NOW - 600 * n for n in range(1, 11)], NOW) == 300
    assert first_guess([NOW - 30 * 86_400], NOW) == 15 * 86_400
    assert first_guess([], NOW) == first_guess([None, NOW + 99], NOW) == 3600


def test_news_shortens_the_interval_and_silence_lengthens_it() -> None:
    assert adapted(3600, 5) < adapted(3600, 1) == 3600 < adapted(3600, 0)


def test_a_hint_lengthens_and_only_a_short_one_that_is_allowed_shortens() -> None:
    usual, quick = Limits(), Limits(min_interval_s=1)
    assert wait(3600, 7200, usual) == 7200
    assert wait(3600, 60, usual) == 3600
    assert wait(3600, 3, quick) == 3
    assert wait(3600, 1800, quick) == 3600
    assert wait(3600, 10 * 86_400, usual) == 86_400
    assert wait(60, None, usual) == 300


def test_an_interval_that_is_asked_for_is_taken() -> None:
    assert wait(3600, 7200, Limits(interval_s=900)) == 900
    assert wait(3600, None, Limits(interval_s=5)) == 300


def test_a_feed_that_allows_three_seconds_is_polled_again_after_three() -> None:
    limits = Limits(min_interval_s=1, first_poll_days=None)
    answer = Answer(max_age_s=3)
    first = after_answer(STATE, EMPTY, answer, NOW, limits).state
    assert first.next_due == NOW + 3
    assert after_unchanged(first, answer, NOW + 3, limits).next_due == NOW + 6


def test_the_feeds_own_ttl_holds_for_unchanged_answers_too() -> None:
    feed = ParsedFeed(kind="rss", ttl_s=40_000)
    state = after_answer(STATE, feed, Answer(), NOW).state
    assert after_unchanged(state, Answer(max_age_s=60), NOW).next_due >= NOW + 40_000


def test_failures_back_off_to_a_day_and_the_server_is_heard() -> None:
    limits = Limits()
    delays = [backoff(count, limits, None) for count in range(1, 12)]
    assert delays[:3] == [300, 600, 1200]
    assert delays[-1] == 86_400
    assert backoff(1, limits, 2) == 2
    assert backoff(9, limits, 2) == 300 * 2**8
    assert backoff(1, limits, 0) == 1
    assert backoff(1, limits, 10**9) == 86_400
    assert after_failure(STATE, NOW, "503", 2).next_due == NOW + 2


@given(st.floats(60, 86_400), st.integers(0, 10**6))
def test_jitter_is_by_feed_and_poll_and_at_most_a_tenth(delay: float, polls: int) -> None:
    spread_out = spread(delay, "https://paper.example/feed", polls)
    assert delay <= spread_out <= delay * 1.1000001
    assert spread_out == spread(delay, "https://paper.example/feed", polls)
    assert spread(3, "https://paper.example/feed", polls) == 3


@given(st.lists(st.integers(0, 9), max_size=60))
def test_whatever_comes_the_wait_is_between_five_minutes_and_a_day(counts: list[int]) -> None:
    interval = 3600.0
    for count in counts:
        interval = adapted(interval, count)
        assert 300 <= wait(interval, None, Limits()) <= 86_400
