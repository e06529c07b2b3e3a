"""Facts about kafka-python on a real Kafka that the bus rests on: reading and membership.

As in ``test_kafka_python_steps.py``, many show a trap.
"""

from __future__ import annotations

import time

import pytest
from kafka.admin import MemberToRemove
from kafka.errors import CommitFailedError, FencedInstanceIdError, KafkaTimeoutError

from kafka_clients import LONG_MS, Aside, move, offset, place, wait_until

pytestmark = pytest.mark.timeout(60)
PATIENCE = 5.0


def test_the_position_after_the_last_record_lies_behind_the_marker(clients, unique, producer):
    topic = clients.topic(unique("t"))
    clients.transact(producer, topic, b"a", b"b")
    reader = clients.consumer()
    reader.assign([place(topic)])
    records = wait_for_records(reader, place(topic))
    assert [record.offset for record in records] == [0, 1]
    assert reader.position(place(topic)) == 3
    assert reader.end_offsets([place(topic)]) == {place(topic): 3}


def test_the_position_within_a_fetch_is_that_of_the_next_record(clients, unique, producer):
    topic = clients.topic(unique("t"))
    clients.transact(producer, topic, b"a", b"b")
    clients.transact(producer, topic, b"c")
    reader = clients.consumer()
    reader.assign([place(topic)])
    positions = []
    while len(positions) < 3:
        records = reader.poll(200, max_records=1).get(place(topic), ())
        positions += [(record.value, reader.position(place(topic))) for record in records]
    assert positions[:2] == [(b"a", 1), (b"b", 2)]  # 2 holds the marker, 3 is c, 4 its marker
    assert positions[2][1] in (4, 5)  # whether it was behind the marker already is a matter of luck
    wait_until(lambda: not reader.poll(50) and reader.position(place(topic)) == 5)


def test_aborted_records_are_stepped_over(clients, unique, producer):
    topic = clients.topic(unique("t"))
    producer.begin_transaction()
    producer.send(topic, value=b"no", partition=0).get(PATIENCE)
    producer.abort_transaction()
    reader = clients.consumer()
    reader.assign([place(topic)])
    assert clients.visible(topic) == []
    wait_until(lambda: not reader.poll(50) and reader.position(place(topic)) == 2)


def wait_for_records(reader, where):
    found = []
    wait_until(lambda: bool(found.extend(reader.poll(100).get(where, ())) or found))
    return found


def test_a_paused_partition_keeps_its_place_and_gives_the_rest_afterwards(
    clients, unique, producer
):
    topic = clients.topic(unique("t"))
    clients.transact(producer, topic, b"a", b"b", b"c")
    reader = clients.consumer()
    reader.assign([place(topic)])
    wait_until(lambda: bool(reader.poll(100, max_records=1)))
    reader.pause(place(topic))
    assert reader.poll(300) == {}
    reader.resume(place(topic))
    assert [record.value for record in wait_for_records(reader, place(topic))] == [b"b", b"c"]


def test_the_committed_end_stands_at_the_first_open_transaction(clients, unique, producer):
    topic = clients.topic(unique("t"))
    clients.transact(producer, topic, b"a")
    producer.begin_transaction()
    producer.send(topic, value=b"b", partition=0).get(PATIENCE)
    committed, uncommitted = (
        clients.consumer(isolation_level=level).end_offsets([place(topic)])[place(topic)]
        for level in ("read_committed", "read_uncommitted")
    )
    assert (committed, uncommitted) == (2, 3)


def test_a_committed_position_waits_for_a_pending_step_at_read_committed_only(
    clients, member, source, producer
):
    group = member.group_metadata().group_id
    move(producer, member.group_metadata(), topic=source, p0=1)
    producer.begin_transaction()
    producer.send_offsets_to_transaction({place(source): offset(2)}, member.group_metadata())
    with pytest.raises(KafkaTimeoutError):
        member.committed(place(source), timeout_ms=500)
    hasty = clients.consumer(group=group, isolation_level="read_uncommitted")
    assert hasty.committed(place(source), timeout_ms=2000) == 1
    assert clients.admin.list_group_offsets(group)[group][place(source)].offset == 1
    producer.commit_transaction()
    assert member.committed(place(source), timeout_ms=5000) == 2


# --- membership


def test_a_join_that_ends_between_two_short_polls_is_thrown_away(clients, unique):
    topic = clients.topic(unique("t"))
    hasty = clients.consumer(topic, group=unique("group"))
    end = time.monotonic() + 2
    while time.monotonic() < end:
        hasty.poll(0)
        time.sleep(0.1)
    assert not hasty.assignment()
    wait_until(lambda: bool(hasty.poll(LONG_MS) or hasty.assignment()))  # the cure


def test_a_member_that_knows_its_topics_joins_once(clients, unique):
    topic = clients.topic(unique("t"))
    assert clients.joined(topic, unique("group")).group_metadata().generation_id == 1


def test_an_assignment_changes_only_inside_poll(clients, member, source):
    group = member.group_metadata().group_id
    before = member.group_metadata().generation_id
    newcomer = clients.consumer(source, group=group)
    joining = Aside(
        lambda: wait_until(lambda: bool(newcomer.poll(LONG_MS) or newcomer.assignment()))
    )
    time.sleep(1.2)  # more than two heartbeats, which tell of the rebalance
    assert len(member.assignment()) == 2
    assert member.group_metadata().generation_id == before
    wait_until(lambda: (member.poll(LONG_MS), len(member.assignment()) == 1)[1])
    assert joining.done(PATIENCE)
    assert member.group_metadata().generation_id > before
    assert not newcomer.assignment() & member.assignment()


def test_a_step_is_taken_while_a_rebalance_waits_for_its_member(clients, member, source, producer):
    group = member.group_metadata().group_id
    newcomer = clients.consumer(source, group=group)
    joining = Aside(
        lambda: wait_until(lambda: bool(newcomer.poll(LONG_MS) or newcomer.assignment()))
    )
    wait_until(lambda: clients.admin.describe_groups([group])[group]["group_state"] != "Stable")
    move(producer, member.group_metadata(), topic=source, p0=4)
    wait_until(lambda: (member.poll(LONG_MS), len(member.assignment()) == 1)[1])
    assert joining.done(PATIENCE)
    assert member.committed(place(source)) == 4


def test_a_member_that_does_not_poll_is_out_and_its_old_metadata_is_fenced(clients, unique):
    topic = clients.topic(unique("t"))
    idle = clients.joined(topic, unique("group"), max_poll_interval_ms=1500)
    taken = idle.group_metadata()
    wait_until(lambda: idle.group_metadata().generation_id < 0)
    with pytest.raises(CommitFailedError):
        move(clients.producer(unique("slot")), taken, topic=topic, p0=1)
    assert idle.assignment()  # it still believes so, until it polls


def test_a_static_member_that_closes_keeps_its_partitions_until_it_is_removed(clients, unique):
    topic, group = clients.topic(unique("t"), 2), unique("group")
    settings = {"session_timeout_ms": 15_000}
    first = clients.consumer(topic, group=group, group_instance_id="slot-0", **settings)
    second = clients.consumer(topic, group=group, group_instance_id="slot-1", **settings)

    def shared() -> bool:
        for each in (first, second):
            each.poll(LONG_MS)
        return len(first.assignment()) == len(second.assignment()) == 1

    joining = Aside(lambda: wait_until(lambda: bool(second.poll(LONG_MS) or second.assignment())))
    wait_until(lambda: bool(first.poll(LONG_MS) or first.assignment()))
    joining.done(PATIENCE)
    wait_until(shared)
    second.close()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        first.poll(50)
    assert len(first.assignment()) == 1
    clients.admin.remove_group_members(group, [MemberToRemove(group_instance_id="slot-1")])
    took = wait_until(lambda: (first.poll(LONG_MS), len(first.assignment()) == 2)[1])
    assert took < 5  # a heartbeat, not a session


def test_a_second_member_of_a_slot_takes_it_over_and_the_first_is_fenced(clients, unique):
    topic, group = clients.topic(unique("t")), unique("group")
    first = clients.joined(topic, group, group_instance_id="slot-0")
    taken = first.group_metadata()
    second = clients.joined(topic, group, group_instance_id="slot-0")
    assert second.assignment() == {place(topic)}
    with pytest.raises((CommitFailedError, FencedInstanceIdError)):
        move(clients.producer(unique("slot")), taken, topic=topic, p0=1)
    with pytest.raises(FencedInstanceIdError):
        wait_until(lambda: bool(first.poll(100)))
