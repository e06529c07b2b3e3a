"""Groups: who owns what when members come, leave, die, are silent, or are replaced."""

from __future__ import annotations

import signal
import time
from collections import Counter
from dataclasses import replace

import pytest

from contract.bus.driving import (
    FENCED,
    RULES,
    SINK,
    SOURCE,
    TALLY,
    copies,
    everything,
    marks,
    numbered,
    owned_once,
    publish,
    settle,
    shares,
    take,
)
from newsmill.bus.base import Change, Fenced, Output

WIDE = replace(SOURCE, name="wide", partitions=8)


def test_a_lone_member_owns_everything_at_its_first_poll(bus):
    member = bus.join("readers", [SOURCE, WIDE])
    assert dict(member.assignment) == {}
    member.poll(0)
    assert len(member.assignment) == 12


def test_members_share_as_evenly_as_can_be_and_keep_what_they_have(bus, open_bus, transport):
    members = [bus.join("readers", [WIDE])]
    members[0].poll(0)
    before = set(members[0].assignment)
    for sizes in ([4, 4], [2, 3, 3], [2, 2, 2, 2]):
        members.append(open_bus().join("readers", [WIDE]))
        settle(members, lambda sizes=sizes: shares(*members) == sizes, transport.settle_s)
        assert owned_once(members, 8)
        assert set(members[0].assignment) <= before
        before = set(members[0].assignment)


def test_a_member_that_leaves_is_replaced_without_waiting(bus, open_bus, transport):
    first, second = bus.join("readers", [WIDE]), open_bus().join("readers", [WIDE])
    settle([first, second], lambda: shares(first, second) == [4, 4], transport.settle_s)
    kept = set(second.assignment)
    first.leave()
    settle([second], lambda: shares(second) == [8], transport.settle_s)
    assert kept <= set(second.assignment)


def test_a_killed_member_is_replaced_without_waiting_for_its_lease(bus, children, transport):
    child = children.start()
    child.wait_for("assigned")
    member = bus.join("copier", [SOURCE])
    settle([member], lambda: shares(member) == [2], transport.settle_s + 1)
    child.signal(signal.SIGKILL)
    child.wait()
    settle([member], lambda: shares(member) == [4], transport.settle_s)


def test_sigterm_leaves_at_once(bus, children, transport):
    child = children.start()
    child.wait_for("assigned")
    child.signal(signal.SIGTERM)
    child.wait_for("left", transport.settle_s)
    assert child.wait() == 0
    member = bus.join("copier", [SOURCE])
    member.poll(0)
    assert shares(member) == [4]


def test_the_epoch_of_a_partition_grows_with_every_change_of_owner(bus, open_bus, transport):
    first = bus.join("readers", [SOURCE])
    first.poll(0)
    before = dict(first.assignment)
    second = open_bus().join("readers", [SOURCE])
    settle([first, second], lambda: shares(first, second) == [2, 2], transport.settle_s)
    assert all(first.assignment[place] == before[place] for place in first.assignment)
    assert all(mark.epoch > before[place].epoch for place, mark in second.assignment.items())


def test_a_partition_that_moved_is_read_from_its_committed_position(bus, open_bus, transport):
    publish(bus, numbered(40))
    first = bus.join("readers", [SOURCE])
    records = take(first, 40)
    half = [r for r in records if int(r.value[-4:]) < 20]
    first.commit([], [], marks(first, half))
    second = open_bus().join("readers", [SOURCE])
    taken = []
    deadline = time.monotonic() + transport.settle_s
    while shares(first, second) != [2, 2] and time.monotonic() < deadline:
        assert first.poll(0.01) == []
        taken += second.poll(0.01)
    taken += second.poll(0.2)
    mine = set(second.assignment)
    assert sorted(r.value for r in taken) == sorted(
        r.value for r in records if r.place in mine and r not in half
    )


def test_a_step_for_a_partition_that_moved_is_fenced_and_the_rest_can_be_done(
    bus, open_bus, transport
):
    publish(bus, numbered(40))
    first = bus.join("copier", [SOURCE])
    records = take(first, 40)
    stale = marks(first, records)
    second = open_bus().join("copier", [SOURCE])
    settle([first, second], lambda: shares(first, second) == [2, 2], transport.settle_s)
    with pytest.raises(Fenced):
        first.commit(copies(records), [], stale)
    assert everything(bus, SINK) == []
    kept = [record for record in records if record.place in first.assignment]
    first.commit(copies(kept), [], marks(first, kept))
    assert len(everything(bus, SINK)) == len(kept)


def test_each_topic_is_shared_evenly_of_its_own(bus, open_bus, transport):
    topics = [WIDE, SOURCE, replace(SOURCE, name="three", partitions=3)]
    members = [bus.join("readers", topics) for _ in range(2)]
    members.append(open_bus().join("readers", topics))

    def is_even():
        if not owned_once(members, 15):
            return False
        for topic in topics:
            sizes = [
                sum(place.topic == topic.name for place in member.assignment) for member in members
            ]
            if max(sizes) - min(sizes) > 1:
                return False
        return True

    settle(members, is_even, transport.settle_s)


def test_more_members_than_partitions_leaves_some_idle_and_ready(bus, open_bus, transport):
    members = [bus.join("readers", [SOURCE]) for _ in range(5)]
    settle(members, lambda: shares(*members) == [0, 1, 1, 1, 1], transport.settle_s)
    leaving = next(member for member in members if member.assignment)
    leaving.leave()
    members.remove(leaving)
    settle(members, lambda: shares(*members) == [1, 1, 1, 1], transport.settle_s)


def test_groups_read_independently(bus):
    publish(bus, numbered(10))
    for name in ("one", "two"):
        member = bus.join(name, [SOURCE])
        records = take(member, 10)
        member.commit([], [], marks(member, records))


def test_slots_are_the_lowest_that_are_free(bus, open_bus):
    first, second, third = (bus.join("readers", [SOURCE]) for _ in range(3))
    assert (first.slot, second.slot, third.slot) == (0, 1, 2)
    second.leave()
    assert bus.join("readers", [SOURCE]).slot == 1
    dying = open_bus()
    assert dying.join("readers", [SOURCE]).slot == 3
    dying.close()
    assert bus.join("readers", [SOURCE]).slot == 3
    assert bus.join("others", [SOURCE]).slot == 0
    assert bus.join("readers", [SOURCE], slot=17).slot == 17


def test_a_slot_that_is_taken_again_fences_its_predecessor_at_once(bus, open_bus, transport):
    publish(bus, numbered(8))
    old = bus.join("copier", [SOURCE], slot=4)
    records = take(old, 8)
    positions = marks(old, records)
    new = open_bus().join("copier", [SOURCE], slot=4)
    for outputs, changes, named in (
        (copies(records), [], positions),
        ([], [Change(TALLY, p.partition, b"k", b"v") for p in positions], positions),
    ):
        with pytest.raises(Fenced):
            old.commit(outputs, changes, named)
    time.sleep(0.3)  # the group is looked at a few times a second
    with pytest.raises(Fenced):
        old.poll(0)
    new.poll(0)
    assert shares(new) == [4]
    assert everything(bus, SINK) == []
    assert list(bus.read_state(TALLY)) == []


def test_a_publisher_whose_slot_was_taken_publishes_nothing(bus, open_bus):
    old = bus.join("tool", [], slot=0)
    open_bus().join("tool", [], slot=0)
    with pytest.raises(Fenced):
        old.commit([Output(topic=SINK, key=b"k", value=b"v", routing="k")], [], {})
    assert everything(bus, SINK) == []


def test_a_member_that_left_can_do_nothing(bus):
    publish(bus, numbered(1))
    member = bus.join("copier", [SOURCE])
    records = take(member, 1)
    positions = marks(member, records)
    member.leave()
    member.leave()
    with pytest.raises(Fenced):
        member.commit(copies(records), [], positions)
    with pytest.raises(Fenced):
        member.poll(0)


def test_a_configuration_topic_is_not_shared(bus):
    with pytest.raises(ValueError, match="followed"):
        bus.join("readers", [RULES])


@pytest.mark.parametrize("state_only", [False, True], ids=["with outputs", "state alone"])
def test_a_stopped_member_loses_its_partitions_after_its_lease_and_can_commit_nothing_then(
    bus, children, transport, state_only
):
    publish(bus, numbered(20))
    child = children.start(batch=50, pause_s=0.7, state_only=state_only)
    child.wait_for("touching" if state_only else "assigned")
    time.sleep(0.2)
    child.signal(signal.SIGSTOP)
    member = bus.join("copier", [SOURCE])
    settle([member], lambda: shares(member) == [4], transport.lease_s * 2 + transport.settle_s)
    before = Counter(r.value for r in everything(bus, SINK)), dict(bus.read_state(TALLY))
    child.signal(signal.SIGCONT)
    child.wait_for("fenced")
    assert child.wait() == FENCED
    assert before == (
        Counter(r.value for r in everything(bus, SINK)),
        dict(bus.read_state(TALLY)),
    )
    assert before == (Counter(), {})


def test_a_member_that_was_only_silent_comes_back(bus, open_bus, transport):
    silent, other = bus.join("readers", [SOURCE]), open_bus().join("readers", [SOURCE])
    settle([silent, other], lambda: shares(silent, other) == [2, 2], transport.settle_s)
    settle([other], lambda: shares(other) == [4], transport.lease_s * 2 + transport.settle_s)
    settle([silent, other], lambda: shares(silent, other) == [2, 2], transport.settle_s)


def test_a_step_under_an_epoch_that_has_passed_is_fenced_though_the_partition_came_back(
    bus, open_bus, transport
):
    publish(bus, numbered(8))
    silent = bus.join("copier", [SOURCE])
    records = take(silent, 8)
    stale = marks(silent, records)
    other = open_bus().join("copier", [SOURCE])
    settle([other], lambda: shares(other) == [4], transport.lease_s * 2 + transport.settle_s)
    other.leave()
    again = take(silent, 8)
    with pytest.raises(Fenced):
        silent.commit(copies(records), [], stale)
    assert everything(bus, SINK) == []
    silent.commit(copies(again), [], marks(silent, again))
    assert len(everything(bus, SINK)) == 8


def test_a_dropped_group_is_forgotten_and_its_members_are_fenced(bus):
    publish(bus, numbered(4))
    member = bus.join("readers", [SOURCE])
    records = take(member, 4)
    member.commit([], [], marks(member, records))
    bus.drop_group("readers")
    assert bus.lag() == []
    with pytest.raises(Fenced):
        member.commit([], [], marks(member, records))
    assert len(take(bus.join("readers", [SOURCE]), 4)) == 4
