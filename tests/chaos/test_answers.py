"""The proxy's forged answers: in the place of the right ones, in their order, with that error."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.protocol import producer as calls

from chaos.answers import CALLS, CLASSES, ERRORS, asked, made_up, retold
from chaos.line import Line

_OFFSETS = calls.TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
_OFFSET = _OFFSETS.TxnOffsetCommitRequestPartition
_DATA = calls.ProduceRequest.TopicProduceData
_PART = calls.AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
OURS = {"transactional_id": "slot", "producer_id": 7, "producer_epoch": 1}
OLD = {f"v3_and_below_{name}": value for name, value in OURS.items()}
REQUESTS: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "produce": (
        calls.ProduceRequest, 9,
        {"transactional_id": "slot", "acks": -1, "timeout_ms": 1, "topic_data": [
            _DATA(name="t", partition_data=[
                _DATA.PartitionProduceData(index=n, records=b"x" * 70) for n in (2, 5)
            ]),
        ]},
    ),
    "init_producer_id": (
        calls.InitProducerIdRequest, 4, OURS | {"transaction_timeout_ms": 1},
    ),
    "add_partitions": (
        calls.AddPartitionsToTxnRequest, 3,
        OLD | {"v3_and_below_topics": [_PART(name="t", partitions=[2, 5])]},
    ),
    "add_offsets": (calls.AddOffsetsToTxnRequest, 3, OURS | {"group_id": "g"}),
    "end_txn": (calls.EndTxnRequest, 3, OURS | {"committed": True}),
    "txn_offset_commit": (
        calls.TxnOffsetCommitRequest, 3,
        OURS | {"group_id": "g", "generation_id": 3, "member_id": "m", "topics": [
            _OFFSETS(name="t", partitions=[
                _OFFSET(partition_index=n, committed_offset=1, committed_metadata="")
                for n in (2, 5)
            ]),
        ]},
    ),
}  # fmt: skip


def request(call: str, number: int = 1) -> bytes:
    kind, version, fields = REQUESTS[call]
    made = kind(version=version, **fields)
    made.with_header(correlation_id=number, client_id="c")
    return bytes(made.encode(framed=True, header=True))


def codes(call: str, answer: bytes) -> list[tuple[str, int, int]]:
    """Topic, partition and error of each place of an answer, as the client reads it."""
    kind, version, _ = REQUESTS[call]
    response = getattr(calls, kind.__name__.replace("Request", "Response"))
    told = response[version].decode(answer, framed=True, header=True)
    if call == "produce":
        return [
            (t.name, p.index, p.error_code) for t in told.responses for p in t.partition_responses
        ]
    if call == "add_partitions":
        return [
            (t.name, p.partition_index, p.partition_error_code)
            for t in told.results_by_topic_v3_and_below
            for p in t.results_by_partition
        ]
    if call == "txn_offset_commit":
        return [
            (t.name, p.partition_index, p.error_code) for t in told.topics for p in t.partitions
        ]
    return [("", 0, told.error_code)]


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_that_is_made_up_is_of_every_partition_that_was_asked_for(call):
    answer = made_up(request(call, 99), ERRORS["abortable"])
    one = [("", 0, 120)]
    assert codes(call, answer) in (one, [("t", 2, 120), ("t", 5, 120)])
    assert (codes(call, answer) == one) == (call in ("init_producer_id", "add_offsets", "end_txn"))
    assert struct.unpack_from(">ii", answer) == (len(answer) - 4, 99)


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_that_is_retold_is_the_brokers_but_for_the_error(call):
    what = asked(request(call, 7))
    real = made_up(request(call, 7), 0)
    told = retold(real, what, ERRORS["not_leader"])
    assert {code for _, _, code in codes(call, told)} == {6}
    assert retold(told, what, 0) == real


def test_every_class_has_an_answer_to_produce_and_all_errors_are_known():
    assert all("produce" in calls for calls in CLASSES.values())
    named = {error for calls in CLASSES.values() for each in calls.values() for error in each}
    assert named == set(ERRORS)
    assert {call for calls in CLASSES.values() for call in calls} == set(CALLS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["asks", "retold", "made_up"]), st.integers(0, 3))))
def test_answers_come_in_the_order_of_the_requests_whatever_is_forged(steps):
    """``steps``: what becomes of a request, and how many answers the broker then gives."""
    client, ours = socket.socketpair()
    with client, ours:
        line, waiting = Line(ours, []), []
        for number, (how, count) in enumerate(steps):
            frame = request("end_txn", number)
            if how == "made_up":
                line.makes_up(frame, 1)
            elif how == "retold":
                line.asks_to_be_retold(frame, 2)
            else:
                line.asks()
            if how != "made_up":
                waiting.append(made_up(frame, 0))
            for _ in range(min(count, len(waiting))):
                line.pass_on(waiting.pop(0))
        for answer in waiting:
            line.pass_on(answer)
        wanted = {"made_up": 1, "retold": 2, "asks": 0}
        size = len(made_up(request("end_txn"), 0))
        for number, (how, _) in enumerate(steps):
            answer = client.recv(size, socket.MSG_WAITALL)
            assert struct.unpack_from(">ii", answer) == (size - 4, number)
            assert codes("end_txn", answer) == [("", 0, wanted[how])]


def test_after_an_answer_that_never_comes_nothing_is_said_any_more():
    client, ours = socket.socketpair()
    with client, ours:
        line = Line(ours, [])
        first, second, third = (request("end_txn", number) for number in range(3))
        line.asks()
        line.asks_in_vain()
        for frame in (first, second):
            line.pass_on(made_up(frame, 0))
        line.makes_up(third, 1)
        size = len(made_up(first, 0))
        assert client.recv(2 * size) == made_up(first, 0)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
