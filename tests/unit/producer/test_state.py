"""What was seen is published once, and remembered within a bound."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord, TryLater
from newsmill.producer.core import (
    Answer,
    FeedState,
    Limits,
    ParsedFeed,
    Poll,
    after_answer,
    after_failure,
    after_unchanged,
    decode_state,
    encode_state,
)
from newsmill.records import Entry
from newsmill.topics import FEEDS_STATE
from newsmill.urls import identity

URL = "https://paper.example/feed"
NOW = 1_750_000_000.0  # 2025-06-15T15:06:40Z
EMPTY = FeedState(url=URL)
STARTED = FeedState(url=URL, started=True)
ANY_AGE = Limits(first_poll_days=None)


@functools.cache
def entry(number: int, title: str = "t", day: int | None = 15, updated: str | None = None) -> Entry:
    url = f"https://paper.example/{number}"
    published = f"2025-06-{day:02}T{number % 24:02}:00:00+00:00" if day else None
    return Entry(url=url, page_id=identity(url), title=title, published=published, updated=updated)


def poll(state: FeedState, *entries: Entry, limits: Limits = ANY_AGE, now: float = NOW) -> Poll:
    return after_answer(state, ParsedFeed(kind="rss", entries=entries), Answer(), now, limits)


def numbers(entries: Iterable[Entry]) -> list[int]:
    return [int(item.url.rpartition("/")[2]) for item in entries]


def test_a_second_poll_of_the_same_entries_finds_nothing() -> None:
    first = poll(EMPTY, entry(2), entry(1))
    second = poll(first.state, entry(2), entry(1))
    assert (numbers(first.fresh), first.outcome, first.seen) == ([1, 2], "published", 0)
    assert (second.fresh, second.outcome, second.seen) == ((), "duplicate", 2)


def test_a_first_poll_takes_the_newest_and_none_too_old_and_never_comes_back_for_the_rest() -> None:
    entries = [entry(3, day=15), entry(9, day=None), entry(2, day=14), entry(1, day=1)]
    first = poll(EMPTY, *entries, limits=Limits(first_poll_entries=2))
    assert numbers(first.fresh) == [9, 3]
    assert {(numbers([item])[0], reason) for item, reason in first.filtered} == {
        (1, "too_old"),
        (2, "over_limit"),
    }
    assert poll(first.state, *entries).fresh == ()


def test_without_an_age_limit_a_first_poll_takes_what_is_old() -> None:
    assert numbers(poll(EMPTY, entry(1, day=1), limits=ANY_AGE).fresh) == [1]
    assert poll(EMPTY, entry(1, day=1), limits=Limits()).outcome == "filtered"


def test_what_is_old_by_our_own_clock_alone_is_taken() -> None:
    """Our clock is ten years ahead: the server's says that the entry is of today."""
    feed, ahead = ParsedFeed(kind="rss", entries=(entry(1),)), NOW + 10 * 365 * 86_400
    for date, taken in ((None, []), (NOW, [1]), (ahead, []), (ahead * 2, [])):
        first = after_answer(EMPTY, feed, Answer(date=date), ahead, Limits())
        assert numbers(first.fresh) == taken
    assert numbers(after_answer(EMPTY, feed, Answer(date=ahead), NOW, Limits()).fresh) == [1]


def test_an_entry_that_comes_late_with_an_old_date_is_published() -> None:
    first = poll(EMPTY, entry(5))
    assert numbers(poll(first.state, entry(5), entry(1, day=1), limits=Limits()).fresh) == [1]


def test_a_changed_title_summary_or_stamp_is_published_again_once() -> None:
    known = entry(1)
    state = poll(EMPTY, known, entry(2)).state
    for changed in (
        replace(known, title="corrected"),
        replace(known, summary="s"),
        replace(known, updated="2025-06-15T12:00:00+00:00"),
        replace(known, published="2025-06-15T13:00:00+00:00"),
    ):
        after = poll(state, changed, entry(2))
        assert numbers(after.fresh) == [1]
        assert poll(after.state, changed, entry(2)).fresh == ()


def test_authors_tags_guid_and_a_rewritten_offset_are_no_change() -> None:
    known = entry(1)
    state = poll(EMPTY, known, entry(2)).state
    same = replace(
        known, authors=("x",), tags=("y",), guid="z", published="2025-06-15T03:00:00+02:00"
    )
    assert poll(state, same, entry(2)).fresh == ()


def test_a_feed_that_stamps_all_its_entries_anew_is_not_believed() -> None:
    entries = [entry(number) for number in range(8)]
    state = poll(EMPTY, *entries).state
    stamped = [replace(item, updated="2025-06-15T14:00:00+00:00") for item in entries]
    again = poll(state, entry(9), *stamped)
    assert (numbers(again.fresh), again.seen) == ([9], 8)
    one = replace(stamped[3], updated="2025-06-15T15:00:00+00:00")
    assert numbers(poll(again.state, *stamped[:3], one).fresh) == [3]


def test_what_is_past_the_cap_of_a_poll_comes_with_the_next_unconditional_one() -> None:
    answer = Answer(etag="e", body_hash="h")
    feed = ParsedFeed(kind="rss", entries=tuple(entry(number) for number in range(5, 0, -1)))
    first = after_answer(STARTED, feed, answer, NOW, Limits(max_entries=3))
    assert numbers(first.fresh) == [1, 2, 3]
    assert [reason for _, reason in first.filtered] == ["over_limit"] * 2
    assert (first.state.etag, first.state.body_hash) == (None, None)
    second = after_answer(first.state, feed, answer, NOW, Limits(max_entries=3))
    assert numbers(second.fresh) == [4, 5]
    assert second.state.etag == "e"


POLLS = st.lists(
    st.lists(st.integers(0, 30), unique=True, max_size=12).map(lambda found: found[::-1]),
    max_size=12,
)


@given(POLLS)
def test_an_entry_is_fresh_exactly_once_however_often_it_is_polled(polls: list[list[int]]) -> None:
    state, published = EMPTY, []
    for found in polls:
        after = poll(decode_state(encode_state(state)), *map(entry, found))
        assert len(after.fresh) + len(after.filtered) + after.seen == len(found)
        published += numbers(after.fresh)
        state = after.state
    assert sorted(published) == sorted({number for found in polls for number in found})


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8))
def test_the_memory_is_bounded_and_keeps_what_the_feed_still_lists(sizes: list[int]) -> None:
    state, start = STARTED, 0
    for size in sizes:
        found = tuple(entry(number) for number in range(start, start + size))
        state = poll(state, *found).state
        assert len(state.seen) <= max(2 * size, 500)
        assert poll(state, *found).fresh == ()
        start += size
    assert state == decode_state(encode_state(state))


def test_a_state_that_is_none_or_newer_is_named() -> None:
    with pytest.raises(BadRecord):
        decode_state(b'{"url": 3}')
    with pytest.raises(TryLater):
        decode_state(b'{"v": 2, "address": "x"}')


def test_a_failure_keeps_what_was_seen_and_a_success_clears_it() -> None:
    state = poll(EMPTY, entry(1)).state
    failed = after_failure(state, NOW, "no answer")
    assert (failed.failures, failed.why, failed.seen) == (1, "no answer", state.seen)
    gone = after_failure(failed, NOW, "410", gone=True)
    assert gone.gone
    assert gone.next_due >= NOW + 86_400
    back = after_unchanged(gone, Answer(), NOW)
    assert (back.failures, back.why, back.gone, back.polls) == (0, None, False, 4)


def test_an_unchanged_answer_keeps_the_validators_that_it_does_not_name() -> None:
    state = replace(STARTED, etag="old", last_modified="then", body_hash="h")
    after = after_unchanged(state, Answer(etag="new"), NOW)
    assert (after.etag, after.last_modified, after.body_hash) == ("new", "then", "h")


def test_the_sitemaps_of_an_index_are_remembered() -> None:
    index = ParsedFeed(kind="index", children=("https://paper.example/s.xml",))
    state = after_answer(EMPTY, index, Answer(), NOW).state
    assert after_unchanged(state, Answer(), NOW).children == ("https://paper.example/s.xml",)


def test_a_feed_of_the_greatest_length_has_a_state_that_its_topic_takes() -> None:
    state = STARTED
    for start in range(0, 15_000, 5_000):
        state = poll(state, *(entry(number) for number in range(start, start + 5_000))).state
    assert len(state.seen) == 10_000
    assert len(encode_state(state)) < FEEDS_STATE.max_bytes


def test_a_permanent_redirect_is_counted_while_it_stays_the_same() -> None:
    there, elsewhere = Answer(moved_to="https://n.example/"), Answer(moved_to="https://m.example/")
    state = after_unchanged(after_unchanged(STARTED, there, NOW), there, NOW)
    assert (state.moved_to, state.moved) == ("https://n.example/", 2)
    assert after_unchanged(state, elsewhere, NOW).moved == 1
    assert after_unchanged(state, Answer(), NOW).moved == 0


def test_a_feed_whose_window_ran_past_the_last_poll_and_one_that_emptied_are_said_to_change() -> (
    None
):
    first = poll(EMPTY, *map(entry, (1, 2, 3)))
    assert first.change is None
    assert poll(first.state, *map(entry, (3, 4, 5))).change is None
    assert poll(first.state, entry(3, title="new"), entry(4), entry(5)).change is None
    assert poll(first.state, *map(entry, (4, 5))).change is None  # too few to tell
    what, detail = poll(first.state, *map(entry, (4, 5, 6))).change or ("", "")
    assert what == "overtaken"
    assert "poll it more often" in detail
    assert (poll(first.state).change or ("", ""))[0] == "emptied"
    assert poll(STARTED).change is None
