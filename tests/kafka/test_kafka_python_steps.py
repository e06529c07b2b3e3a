"""Facts about kafka-python on a real Kafka that the bus rests on: transactions and their fences.

Many show a trap. One that goes green the other way round (a new release mends it) is good news: the
rule in the bus that answers it may go.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from kafka.errors import (
    CommitFailedError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    UnknownError,
)
from kafka.producer.sender import Sender

from kafka_clients import Clients, move, offset, place, wait_until

pytestmark = pytest.mark.timeout(60)
PATIENCE = 5.0


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


COMMITTER = """
import sys
from kafka import KafkaProducer
bootstrap, topic, slot = sys.argv[1:]
producer = KafkaProducer(
    bootstrap_servers=bootstrap, transactional_id=slot, request_timeout_ms=1000
)
producer.init_transactions()
producer.begin_transaction()
producer.send(topic, value=b"x", partition=0).get(5)
print("sent", flush=True)
sys.stdin.readline()
producer.commit_transaction()
"""


def test_a_commit_may_never_return_although_the_broker_does(own_kafka, unique):
    with Clients(own_kafka.bootstrap) as clients:
        out, slot = clients.topic(unique("out")), unique("slot")
    words = [sys.executable, "-c", COMMITTER, own_kafka.bootstrap, out, slot]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"sent\n"
        own_kafka.stop()
        process.stdin.write(b"\n")
        process.stdin.flush()
        time.sleep(1)
        own_kafka.start()
        with Clients(own_kafka.bootstrap) as clients:  # others are served again at once
            clients.topic(unique("other"))
            try:
                process.wait(3)
                pytest.skip("this time it did return")
            except subprocess.TimeoutExpired:
                process.kill()  # the cure: another process, with a producer of the same id
            clients.transact(clients.producer(slot), out, b"y")
            assert clients.visible(out) == [b"y"]


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


def test_a_record_refused_by_the_broker_spoils_its_producer(clients, unique):
    topic, slot = clients.topic(unique("t"), max_message_bytes=10_000), unique("slot")
    producer = clients.producer(slot)
    producer.begin_transaction()
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(topic, value=bytes(20_000), partition=0).get(PATIENCE)
    with pytest.raises(KafkaError):
        producer.commit_transaction()
    producer.abort_transaction()
    with pytest.raises(OutOfOrderSequenceNumberError):  # the refused one took a number all the same
        clients.transact(producer, topic, b"next")
    clients.transact(clients.producer(slot), topic, b"small")
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
