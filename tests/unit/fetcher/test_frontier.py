"""The frontier: a queue per domain, one fetch of a domain at a time, and its state read back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.fetcher.core.frontier import Frontier, Item, restored, stored


def item(number: int, domain: str = "a.example", *, due: float = 0.0, partition: int = 0) -> Item:
    return Item(
        page_id=f"{number:032x}",
        url=f"http://{domain}/{number}",
        domain=domain,
        partition=partition,
        offset=number,
        entry=b'{"url":"http://a.example/"}',
        due=due,
    )


def at_once(domain: str) -> float:
    return 0.0


def taken(frontier: Frontier, now: float, most: int = 100) -> list[str]:
    return [one.url for one in frontier.take(now, most, at_once)]


def test_one_fetch_of_a_domain_at_a_time_in_the_order_of_the_log() -> None:
    frontier = Frontier(100)
    for number in (3, 1, 2):
        frontier.add(item(number))
    assert taken(frontier, 1.0) == ["http://a.example/1"]
    assert taken(frontier, 1.0) == []
    frontier.release("a.example")
    assert taken(frontier, 1.0) == ["http://a.example/2"]


def test_a_domain_that_is_held_off_delays_no_other() -> None:
    frontier = Frontier(100)
    frontier.add(item(1, "slow.example"))
    frontier.add(item(2, "fast.example"))
    found = frontier.take(1.0, 100, lambda domain: 60.0 if domain == "slow.example" else 0.0)
    assert [one.domain for one in found] == ["fast.example"]
    assert taken(frontier, 59.0) == []
    assert taken(frontier, 60.0) == ["http://slow.example/1"]


def test_no_more_is_taken_than_there_is_room_for() -> None:
    frontier = Frontier(100)
    for number in range(5):
        frontier.add(item(number, f"{number}.example"))
    assert len(taken(frontier, 1.0, most=2)) == 2
    assert len(taken(frontier, 1.0, most=9)) == 3


def test_a_newer_entry_takes_the_place_of_the_one_that_is_done() -> None:
    frontier = Frontier(100)
    old, new = item(1), replace(item(1), offset=9)
    frontier.add(old)
    taken(frontier, 1.0)
    old.newer = new
    frontier.release("a.example")
    frontier.remove(old)
    assert frontier.get(old.key) is new
    assert [one.offset for one in frontier.take(1.0, 9, at_once)] == [9]


def test_a_partition_that_moves_away_and_back_is_fetched_no_two_at_a_time() -> None:
    frontier = Frontier(100)
    first = item(1)
    frontier.add(first)
    assert taken(frontier, 1.0)
    frontier.forget(0)
    frontier.add(item(1))
    assert frontier.get(first.key) is not first, "what was in flight is stale"
    assert taken(frontier, 1.0) == [], "and still under way"
    frontier.release("a.example")
    assert taken(frontier, 1.0) == ["http://a.example/1"]


def test_nothing_is_left_of_a_domain_that_is_done() -> None:
    frontier = Frontier(100)
    for number in range(50):
        frontier.add(item(number, f"{number}.example", partition=number % 2))
    for one in list(frontier.take(1.0, 10, at_once)):
        frontier.release(one.domain)
        frontier.remove(one)
    frontier.forget(0)
    frontier.forget(1)
    taken(frontier, 1.0)
    assert len(frontier) == 0
    assert not frontier._queues
    assert not frontier._ready


def test_a_queue_is_bounded_per_domain() -> None:
    frontier = Frontier(2)
    frontier.add(item(1))
    assert not frontier.is_full("a.example")
    frontier.add(item(2))
    assert frontier.is_full("a.example")
    assert not frontier.is_full("b.example")


def test_what_is_due_soon_is_counted_as_far_as_its_domain_is_allowed() -> None:
    frontier = Frontier(100)
    frontier.add(item(1, due=5.0))
    frontier.add(item(2, due=50.0))
    frontier.add(item(3, "held.example"))
    allowed = {"held.example": 100.0}
    assert frontier.due_within(10.0, lambda domain: allowed.get(domain, 0.0)) == 1


@given(
    offset=st.integers(0, 2**53),
    attempts=st.integers(0, 100),
    due=st.floats(0, 4e9),
    newer=st.booleans(),
)
def test_an_item_reads_back_as_it_was_stored(
    offset: int, attempts: int, due: float, newer: bool
) -> None:
    one = replace(item(1), offset=offset, attempts=attempts)
    if newer:
        one.newer = replace(item(1), offset=offset + 1)
    back, due_at = restored(0, one.key, stored(one, due))
    assert (back, due_at) == (one, due)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_is_no_state_of_ours_is_a_bad_record(key: bytes, value: bytes) -> None:
    with pytest.raises(BadRecord):
        restored(0, key, value)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["a.example", "b.example", "c.example"])),
        max_size=40,
        unique_by=lambda pair: pair,
    )
)
def test_every_item_is_taken_once(items: list[tuple[int, str]]) -> None:
    frontier = Frontier(100)
    for number, domain in items:
        frontier.add(item(number, domain))
    seen: list[str] = []
    while found := list(frontier.take(1.0, 2, at_once)):
        assert len({one.domain for one in found}) == len(found)
        for one in found:
            seen.append(one.url)
            frontier.release(one.domain)
            frontier.remove(one)
    assert sorted(seen) == sorted(f"http://{domain}/{number}" for number, domain in items)
