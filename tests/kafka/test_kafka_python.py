"""Facts about kafka-python on a real Kafka that the bus rests on: each is shown, none is believed.

Many show a trap. One that goes green the other way round (a new release mends it) is good news: the
rule in the bus that answers it may go.
"""

from __future__ import annotations

import time

import pytest
from kafka import TopicPartition
from kafka.admin import MemberToRemove
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    UnknownError,
)
from kafka.producer.sender import Sender

from kafka_clients import Aside, Clients, offset, wait_until

pytestmark = pytest.mark.timeout(60)
PATIENCE = 5.0


def place(topic: str, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic, partition)


@pytest.fixture
def member(clients, unique):
    """A member of a group that owns the two partitions of a topic."""
    return clients.joined(clients.topic(unique("in"), 2), unique("group"))


@pytest.fixture
def source(member):
    return next(iter(member.assignment())).topic


@pytest.fixture
def producer(clients, unique):
    return clients.producer(unique("slot"))


def move(producer, metadata, **positions: int) -> None:
    """A step of offsets alone: p0=5 is position 5 of partition 0."""
    topic = positions.pop("topic")
    offsets = {place(topic, int(name[1:])): offset(at) for name, at in positions.items()}
    producer.begin_transaction()
    producer.send_offsets_to_transaction(offsets, metadata)
    producer.commit_transaction()


# --- what a group metadata lets through


def test_a_stale_generation_is_fenced(member, source, producer):
    now = member.group_metadata()
    with pytest.raises(CommitFailedError):
        move(producer, now._replace(generation_id=now.generation_id - 1), topic=source, p0=5)


def test_another_member_id_is_fenced(member, source, producer):
    with pytest.raises(CommitFailedError):
        move(producer, member.group_metadata()._replace(member_id="x"), topic=source, p0=5)


def test_a_generation_below_zero_with_a_member_id_is_fenced_while_the_group_lives(
    member, source, producer
):
    with pytest.raises(CommitFailedError):
        move(producer, member.group_metadata()._replace(generation_id=-1), topic=source, p0=5)


def test_it_is_let_through_once_the_group_is_empty(clients, member, source, producer):
    lost = member.group_metadata()._replace(generation_id=-1)
    member.close()
    move(producer, lost, topic=source, p0=5)
    assert clients.consumer(group=lost.group_id).committed(place(source)) == 5


def test_no_generation_and_no_member_id_is_no_fence_at_all(member, source, producer):
    nobody = member.group_metadata()._replace(generation_id=-1, member_id="")
    move(producer, nobody, topic=source, p0=7)
    assert member.committed(place(source)) == 7


def test_a_group_that_is_only_named_is_no_fence_either(member, source, producer):
    move(producer, member.group_metadata().group_id, topic=source, p0=7)
    assert member.committed(place(source)) == 7


def test_a_member_may_commit_partitions_that_it_does_not_own(clients, unique, member, producer):
    other = clients.topic(unique("other"))
    move(producer, member.group_metadata(), topic=other, p0=3)
    assert member.committed(place(other)) == 3


def test_offsets_of_a_fenced_step_ride_in_the_next_one(member, source, producer):
    now = member.group_metadata()
    with pytest.raises(CommitFailedError):
        move(producer, now._replace(generation_id=now.generation_id - 1), topic=source, p0=7)
    producer.abort_transaction()
    assert member.committed(place(source, 0)) is None
    move(producer, now, topic=source, p1=9)
    assert member.committed(place(source, 0)) == 7  # nobody asked for it: throw the producer away


# --- commits that lie


def test_a_commit_succeeds_although_a_record_of_it_failed(own_kafka, unique):
    with Clients(own_kafka.bootstrap) as clients:
        out = clients.topic(unique("out"))
        member = clients.joined(clients.topic(unique("in")), unique("group"))
        source = next(iter(member.assignment())).topic
        producer = clients.producer(
            unique("slot"), request_timeout_ms=1000, delivery_timeout_ms=1500, linger_ms=0
        )
        producer.begin_transaction()
        producer.send(out, value=b"first", partition=0).get(PATIENCE)
        own_kafka.pause()
        failed = producer.send(out, value=b"second", partition=0)
        wait_until(lambda: failed.is_done)
        own_kafka.resume()
        assert isinstance(failed.exception, KafkaTimeoutError)
        producer.flush(PATIENCE)
        producer.send_offsets_to_transaction({place(source): offset(1)}, member.group_metadata())
        producer.commit_transaction()
        assert member.committed(place(source)) == 1


def test_a_commit_succeeds_for_a_transaction_that_was_thrown_away(
    clients, unique, member, source, producer, monkeypatch
):
    out = clients.topic(unique("out"))
    complete = Sender._complete_batch

    def out_of_order(self, batch, response):
        monkeypatch.undo()
        response.error_code = OutOfOrderSequenceNumberError.errno
        return complete(self, batch, response)

    monkeypatch.setattr(Sender, "_complete_batch", out_of_order)
    producer.begin_transaction()
    producer.send_offsets_to_transaction({place(source): offset(5)}, member.group_metadata())
    lost = producer.send(out, value=b"lost", partition=0)
    producer.commit_transaction()
    assert isinstance(lost.exception, OutOfOrderSequenceNumberError)
    assert member.committed(place(source)) is None
    assert clients.visible(out) == []


def test_a_commit_that_the_broker_does_not_answer_ends_in_an_unknown_outcome(own_kafka, unique):
    with Clients(own_kafka.bootstrap) as clients:
        out = clients.topic(unique("out"))
        producer = clients.producer(unique("slot"), request_timeout_ms=1000)
        producer.begin_transaction()
        producer.send(out, value=b"x", partition=0).get(PATIENCE)
        own_kafka.pause()
        with pytest.raises(KafkaError, match="unknown reasons"):
            producer.commit_transaction()
        own_kafka.resume()
        wait_until(lambda: clients.visible(out) == [b"x"])  # and here it was a commit


def test_a_commit_may_never_return_although_the_broker_does(own_kafka, unique):
    with Clients(own_kafka.bootstrap) as clients:
        out = clients.topic(unique("out"))
        producer = clients.producer(unique("slot"), request_timeout_ms=1000)
        producer.begin_transaction()
        producer.send(out, value=b"x", partition=0).get(PATIENCE)
        own_kafka.stop()
        commit = Aside(producer.commit_transaction)
        assert not commit.done(within=2)
        own_kafka.start()
        Clients(own_kafka.bootstrap).__exit__()  # others are served again
        if commit.done(within=3):
            pytest.skip("this time it did return")
        again = clients.producer(unique("slot"))  # the cure: another producer of the same id
        clients.transact(again, out, b"y")
        assert clients.visible(out)[-1] == b"y"


# --- reading


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
        for record in reader.poll(200, max_records=1).get(place(topic), ()):
            positions.append((record.value, reader.position(place(topic))))
    assert positions == [(b"a", 1), (b"b", 2), (b"c", 5)]  # 2 holds the marker, 3 is c


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
    assert clients.admin.list_group_offsets(group)[place(source)].offset == 1
    producer.commit_transaction()
    assert member.committed(place(source), timeout_ms=5000) == 2


# --- producers of one slot


def test_a_successor_fences_its_predecessor_at_once(clients, unique):
    topic, slot = clients.topic(unique("t")), unique("slot")
    old = clients.producer(slot)
    old.begin_transaction()
    old.send(topic, value=b"old", partition=0).get(PATIENCE)
    clients.transact(clients.producer(slot), topic, b"new")
    with pytest.raises(ProducerFencedError):
        old.commit_transaction()
    assert clients.visible(topic) == [b"new"]


def test_a_zombie_that_produces_aborts_its_successors_open_transaction(clients, unique):
    topic, slot = clients.topic(unique("t")), unique("slot")
    old = clients.producer(slot)
    old.begin_transaction()
    old.send(topic, value=b"old", partition=0).get(PATIENCE)
    new = clients.producer(slot)
    new.begin_transaction()
    new.send(topic, value=b"new", partition=0).get(PATIENCE)
    with pytest.raises(InvalidProducerEpochError):
        old.send(topic, value=b"late", partition=0).get(PATIENCE)
    wait_until(old._transaction_manager.has_fatal_error)
    with pytest.raises(KafkaError):  # not its fault: it has to be made anew, once
        new.send(topic, value=b"more", partition=0).get(PATIENCE)
        new.commit_transaction()
    clients.transact(clients.producer(slot), topic, b"again")
    assert clients.visible(topic) == [b"again"]


def test_a_transaction_left_open_is_aborted_and_its_producer_fenced(clients, unique):
    topic = clients.topic(unique("t"))
    late = clients.producer(unique("slot"), transaction_timeout_ms=1000)
    late.begin_transaction()
    late.send(topic, value=b"late", partition=0).get(PATIENCE)
    reader = clients.consumer()
    wait_until(lambda: reader.end_offsets([place(topic)])[place(topic)] == 2, every=0.2)
    with pytest.raises(ProducerFencedError):
        late.commit_transaction()
    assert clients.visible(topic) == []


# --- records too large


def test_a_record_refused_by_the_client_leaves_the_transaction_usable(clients, unique):
    topic = clients.topic(unique("t"))
    producer = clients.producer(unique("slot"), max_request_size=1000)
    producer.begin_transaction()
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(topic, value=bytes(2000), partition=0)
    producer.send(topic, value=b"small", partition=0).get(PATIENCE)
    producer.commit_transaction()
    assert clients.visible(topic) == [b"small"]


def test_a_record_refused_by_the_broker_fails_the_transaction(clients, unique, producer):
    topic = clients.topic(unique("t"), max_message_bytes=10_000)
    producer.begin_transaction()
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(topic, value=bytes(20_000), partition=0).get(PATIENCE)
    with pytest.raises(KafkaError):
        producer.commit_transaction()
    producer.abort_transaction()
    clients.transact(producer, topic, b"small")
    assert clients.visible(topic) == [b"small"]


def test_flush_fails_for_a_batch_that_is_split_although_its_records_arrive(clients, unique):
    topic = clients.topic(unique("t"), max_message_bytes=10_000)
    producer = clients.producer(unique("slot"), batch_size=16_384)
    producer.begin_transaction()
    sent = [producer.send(topic, value=bytes(6000), partition=0) for _ in range(2)]
    with pytest.raises(UnknownError, match="not done"):
        producer.flush(PATIENCE)
    for future in sent:
        future.get(PATIENCE)
    producer.commit_transaction()
    assert len(clients.visible(topic)) == 2


# --- membership


def test_an_assignment_changes_only_inside_poll(clients, member, source):
    group = member.group_metadata().group_id
    before = member.group_metadata().generation_id
    newcomer = clients.consumer(source, group=group)
    joining = Aside(lambda: wait_until(lambda: bool(newcomer.poll(50) or newcomer.assignment())))
    time.sleep(1.2)  # more than two heartbeats, which tell of the rebalance
    assert len(member.assignment()) == 2
    assert member.group_metadata().generation_id == before
    wait_until(lambda: (member.poll(50), len(member.assignment()) == 1)[1])
    assert joining.done(PATIENCE)
    assert member.group_metadata().generation_id > before
    assert not newcomer.assignment() & member.assignment()


def test_a_step_is_taken_while_a_rebalance_waits_for_its_member(clients, member, source, producer):
    group = member.group_metadata().group_id
    newcomer = clients.consumer(source, group=group)
    joining = Aside(lambda: wait_until(lambda: bool(newcomer.poll(50) or newcomer.assignment())))
    wait_until(lambda: clients.admin.describe_groups([group])[group]["group_state"] != "Stable")
    move(producer, member.group_metadata(), topic=source, p0=4)
    wait_until(lambda: (member.poll(50), len(member.assignment()) == 1)[1])
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
            each.poll(50)
        return len(first.assignment()) == len(second.assignment()) == 1

    joining = Aside(lambda: wait_until(lambda: bool(second.poll(50) or second.assignment())))
    wait_until(lambda: bool(first.poll(50) or first.assignment()))
    joining.done(PATIENCE)
    wait_until(shared)
    second.close()
    wait_until(lambda: bool(first.poll(50)) or True)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        first.poll(50)
    assert len(first.assignment()) == 1
    clients.admin.remove_group_members(group, [MemberToRemove(group_instance_id="slot-1")])
    took = wait_until(lambda: (first.poll(50), len(first.assignment()) == 2)[1])
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
