"""The atomic step: a finished prefix with exactly its outputs and state, whole or not at all."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from contract.bus.driving import (
    SINK,
    SOURCE,
    TALLY,
    WORLD,
    copies,
    counted,
    everything,
    marks,
    numbered,
    publish,
    settle,
    shares,
    take,
)
from newsmill.bus.base import Change, Fenced, Mark, Output, Place, RecordTooLarge
from newsmill.topics import partition_of

ONE = partition_of("one", 4)
PLACE = Place("source", ONE)


def test_a_group_that_never_committed_starts_at_the_start(bus):
    publish(bus, numbered(5))
    assert sorted(r.value for r in take(bus.join("late", [SOURCE]), 5)) == numbered(5)


def test_a_member_may_go_back_and_is_given_the_records_again(bus):
    publish(bus, numbered(6), routing="one")
    member = bus.join("readers", [SOURCE])
    records = take(member, 6)
    member.commit([], [], marks(member, records))
    epoch = member.assignment[PLACE].epoch
    member.rewind(PLACE, Mark(records[2].offset, epoch))
    assert member.assignment[PLACE].position == records[2].offset
    assert [r.value for r in take(member, 4)] == numbered(4, 2)
    with pytest.raises(ValueError, match="no earlier one"):
        member.rewind(PLACE, Mark(records[-1].next, epoch))
    member.leave()
    assert [r.value for r in take(bus.join("readers", [SOURCE]), 4)] == numbered(4, 2)


def test_a_member_without_the_partition_cannot_go_back(bus):
    publish(bus, numbered(6), routing="one")
    first = bus.join("readers", [SOURCE], slot=0)
    records = take(first, 6)
    first.commit([], [], marks(first, records))
    epoch = first.assignment[PLACE].epoch
    second = bus.join("readers", [SOURCE], slot=0)
    settle([second], lambda: PLACE in second.assignment, 5.0)
    with pytest.raises(Fenced):
        first.rewind(PLACE, Mark(records[0].offset, epoch))
    assert second.assignment[PLACE].position == records[-1].next


def test_every_record_is_delivered_once_an_epoch(bus):
    publish(bus, numbered(12))
    member = bus.join("readers", [SOURCE])
    assert len(take(member, 12, max_records=5)) == 12
    assert member.poll(0.1) == []


def test_a_finished_prefix_is_committed_with_exactly_its_outputs_and_the_rest_comes_back(
    bus, open_bus
):
    publish(bus, numbered(10), routing="one")
    crashing = open_bus()
    member = crashing.join("copier", [SOURCE])
    records = take(member, 10)
    done = records[:4]
    member.commit(copies(done), counted(member, done, Counter()), marks(member, done))
    assert member.assignment[PLACE].position == done[-1].next
    crashing.close()

    member = bus.join("copier", [SOURCE])
    rest = take(member, 6)
    assert [r.value for r in rest] == numbered(6, 4)
    assert [r.value for r in everything(bus, SINK)] == numbered(4)
    assert dict(member.restore(TALLY, ONE)) == dict.fromkeys(numbered(4), b"1")


def test_what_is_not_committed_leaves_no_trace(bus):
    publish(bus, numbered(3), routing="one")
    member = bus.join("copier", [SOURCE])
    records = take(member, 3)
    bad = Output(topic=SINK, key=b"k", value=b"x" * 200_000, partition=0)
    with pytest.raises(RecordTooLarge):
        member.commit(
            [*copies(records), bad], counted(member, records, Counter()), marks(member, records)
        )
    assert everything(bus, SINK) == []
    assert list(member.restore(TALLY, ONE)) == []
    assert member.assignment[PLACE].position == records[0].offset
    member.commit(copies(records), [], marks(member, records))
    assert len(everything(bus, SINK)) == 3


def test_a_step_may_change_state_alone_under_an_unchanged_position(bus):
    publish(bus, numbered(1), routing="one")
    member = bus.join("copier", [SOURCE])
    take(member, 1)
    mark = member.assignment[PLACE]
    member.commit([], [Change(TALLY, ONE, b"k", b"v")], {PLACE: mark})
    assert dict(member.restore(TALLY, ONE)) == {b"k": b"v"}
    assert member.assignment[PLACE] == mark
    assert dict(bus.read_state(TALLY)) == {b"k": b"v"}


def test_a_state_topic_may_be_joined_over_and_delivers_nothing(bus):
    member = bus.join("keepers", [WORLD])
    assert member.poll(0.1) == []
    place = Place("world", 2)
    assert len(member.assignment) == 4
    member.commit(
        [Output(topic=SINK, key=b"k", value=b"v", routing="k")],
        [Change(WORLD, 2, b"k", b"v")],
        {place: member.assignment[place]},
    )
    assert member.assignment[place].position == 0
    assert dict(member.restore(WORLD, 2)) == {b"k": b"v"}
    assert member.poll(0.1) == []


def test_a_removal_is_gone_and_an_empty_value_stays(bus):
    member = bus.join("keepers", [WORLD])
    member.poll(0.1)
    names = {Place("world", 0): member.assignment[Place("world", 0)]}

    def change(key, value):
        return Change(WORLD, 0, key, value)

    member.commit([], [change(b"a", b"1"), change(b"b", b"1"), change(b"c", b"1")], names)
    member.commit(
        [],
        [change(b"a", None), change(b"b", b""), change(b"c", b"2"), change(b"c", b"3")],
        names,
    )
    restored = list(member.restore(WORLD, 0))
    assert sorted(restored) == [(b"b", b""), (b"c", b"3")]


def test_a_large_state_is_restored_whole_each_key_once(bus):
    member = bus.join("keepers", [WORLD])
    member.poll(0.1)
    names = {Place("world", 1): member.assignment[Place("world", 1)]}
    rows = {b"key-%05d" % n: b"%d" % n for n in range(1200)}
    member.commit([], [Change(WORLD, 1, key, value) for key, value in rows.items()], names)
    restored = list(member.restore(WORLD, 1))
    assert len(restored) == 1200
    assert dict(restored) == rows


def test_a_value_is_recalled_as_committed_steps_left_it(bus):
    member = bus.join("keepers", [WORLD])
    member.poll(0.1)
    names = {Place("world", 3): member.assignment[Place("world", 3)]}
    assert member.recall(WORLD, 3, b"a") is None
    for value in (b"1", b"", None, b"2"):
        member.commit([], [Change(WORLD, 3, b"a", value), Change(WORLD, 3, b"b", b"x")], names)
        assert member.recall(WORLD, 3, b"a") == value
    member.leave()
    later = bus.join("keepers", [WORLD])
    later.poll(0.1)
    assert [later.recall(WORLD, 3, key) for key in (b"a", b"b", b"c")] == [b"2", b"x", None]
    with pytest.raises(Fenced):
        member.recall(WORLD, 3, b"a")


def test_what_another_owner_changed_meanwhile_is_recalled(bus, open_bus):
    first, place = bus.join("keepers", [WORLD], slot=0), Place("world", 0)
    first.poll(0.1)
    first.commit([], [Change(WORLD, 0, b"k", b"1")], {place: first.assignment[place]})
    assert first.recall(WORLD, 0, b"k") == b"1"
    second = open_bus().join("keepers", [WORLD], slot=1)
    settle([first, second], lambda: shares(first, second) == [2, 2], 5)
    owner, other = (first, second) if place in first.assignment else (second, first)
    owner.commit([], [Change(WORLD, 0, b"k", b"2")], {place: owner.assignment[place]})
    with pytest.raises(Fenced):
        other.recall(WORLD, 0, b"k")
    owner.leave()
    settle([other], lambda: place in other.assignment, 5)
    assert other.recall(WORLD, 0, b"k") == b"2"


def test_state_moves_with_its_partition(bus, open_bus):
    publish(bus, numbered(40))
    first = bus.join("copier", [SOURCE])
    records = take(first, 40)
    first.commit([], counted(first, records, Counter()), marks(first, records))
    second = open_bus().join("copier", [SOURCE])
    settle([first, second], lambda: shares(first, second) == [2, 2], 5)
    restored = Counter()
    for member in (first, second):
        for place in member.assignment:
            restored.update(key for key, _ in member.restore(TALLY, place.partition))
    assert restored == Counter(numbered(40))


def test_state_that_is_not_owned_is_not_restored(bus, open_bus):
    first = bus.join("copier", [SOURCE])
    second = open_bus().join("copier", [SOURCE])
    settle([first, second], lambda: shares(first, second) == [2, 2], 5)
    place = next(iter(second.assignment))
    with pytest.raises(Fenced):
        list(first.restore(TALLY, place.partition))


def test_a_step_names_the_partitions_whose_state_it_changes(bus):
    publish(bus, numbered(1), routing="one")
    member = bus.join("copier", [SOURCE])
    records = take(member, 1)
    elsewhere = Change(TALLY, (ONE + 1) % 4, b"k", b"v")
    with pytest.raises(ValueError, match="must name source"):
        member.commit([], [elsewhere], marks(member, records))
    with pytest.raises(ValueError, match="must name"):
        member.commit(copies(records), [], {})


def test_a_position_that_was_not_reached_or_lies_behind_is_a_mistake(bus):
    publish(bus, numbered(2), routing="one")
    member = bus.join("copier", [SOURCE])
    records = take(member, 2)
    epoch = member.assignment[PLACE].epoch
    with pytest.raises(ValueError, match="not delivered"):
        member.commit([], [], {PLACE: Mark(records[-1].next + 1, epoch)})
    member.commit([], [], marks(member, records))
    with pytest.raises(ValueError, match="behind"):
        member.commit([], [], {PLACE: Mark(records[0].next, epoch)})


def test_a_group_that_only_publishes_has_no_positions(bus):
    tool = bus.join("tool", [])
    assert tool.poll(0.05) == []
    assert dict(tool.assignment) == {}
    tool.commit([Output(topic=SINK, key=b"k", value=b"v", routing="k")], [], {})
    assert len(everything(bus, SINK)) == 1


def test_outputs_of_one_step_appear_in_the_order_given(bus):
    publish(bus, numbered(20), routing="one")
    member = bus.join("copier", [SOURCE])
    records = take(member, 20)
    backwards = [*reversed(copies(records))]
    member.commit(backwards, [], marks(member, records))
    assert [r.value for r in bus.scan(SINK, ONE)] == [*reversed(numbered(20))]


def test_a_poll_skips_the_places_it_is_told_to(bus):
    publish(bus, numbered(5), routing="one")
    publish(bus, [b"other"], routing="other")
    member = bus.join("copier", [SOURCE])
    assert [r.value for r in take(member, 1, skip={PLACE})] == [b"other"]
    assert member.poll(0.1, skip=[PLACE]) == []
    assert [r.value for r in take(member, 5)] == numbered(5)


def test_a_held_partition_delivers_nothing_until_its_time_and_others_go_on(bus):
    publish(bus, numbered(5), routing="one")
    member = bus.join("copier", [SOURCE])
    take(member, 2, max_records=2)
    until = time.monotonic() + 0.6
    member.hold(PLACE, until)
    publish(bus, [b"other"], routing="other")
    assert [r.value for r in take(member, 1)] == [b"other"]
    records = take(member, 3)
    assert time.monotonic() >= until
    assert [r.value for r in records] == numbered(3, 2)
    assert PLACE in member.assignment


def test_what_was_delivered_before_a_hold_can_still_be_committed(bus):
    publish(bus, numbered(3), routing="one")
    member = bus.join("copier", [SOURCE])
    records = take(member, 3)
    member.hold(PLACE, time.monotonic() + 60)
    member.commit(copies(records[:2]), [], marks(member, records[:2]))
    assert member.assignment[PLACE].position == records[1].next


def test_a_waiting_poll_wakes_when_something_is_written(bus, children, transport):
    member = bus.join("readers", [SINK])
    member.poll(0.05)
    publish(bus, numbered(1))
    child = children.start(until=1)
    started = time.monotonic()
    records = member.poll(10)
    assert [r.value for r in records] == numbered(1)
    child.wait_for("left")
    waited = time.monotonic() - started
    assert waited < 5


def test_a_poll_without_anything_returns_in_its_time(bus):
    member = bus.join("readers", [SOURCE])
    started = time.monotonic()
    assert member.poll(0.3) == []
    assert 0.25 <= time.monotonic() - started < 1.0
